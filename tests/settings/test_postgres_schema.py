"""A migration that commits each statement by itself may be cut off after any of them, and is run again."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import IntegrityError, ProgrammingError, connections, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.models import Q

from tests.deposit.test_upgrades import ALIAS, MIGRATIONS, empty_database

__all__ = ["empty_database"]
pytestmark = pytest.mark.django_db

_TABLES = """
    SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull::text
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indrelid::regclass::text, '', pg_get_indexdef(indexrelid), indisvalid::text
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3, 4
"""


class Killed(BaseException):
    """As kill -9: nothing cleans up."""


@contextmanager
def killed_after(statements: int) -> Iterator[list[str]]:
    """Let so many statements that change something be carried out, then end."""
    carried_out: list[str] = []

    def run(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("SELECT"):
            if len(carried_out) == statements:
                raise Killed
            carried_out.append(sql)
        return execute(sql, params, many, context)

    with connections[ALIAS].execute_wrapper(run):
        yield carried_out


def tables(alias: str = ALIAS) -> list[tuple[str, ...]]:
    """All columns, constraints and indexes: table, name, definition, and whether not null or valid."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_TABLES)
        return [row for row in cursor.fetchall() if "django_migrations" not in row[0]]


ONE_BY_ONE = [
    (path.parts[-3], path.stem)
    for path in MIGRATIONS
    if not import_module(f"{path.parts[-3]}.migrations.{path.stem}").Migration.atomic
]


# Each kind of operation that such a migration of ours has, with references, which come last of all.
MADE = [
    migrations.CreateModel(
        "Shelf", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]
    ),
    migrations.CreateModel(
        "Book",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("title", models.CharField(max_length=9, unique=True)),
            ("shelf", models.ForeignKey("made.Shelf", models.CASCADE)),
        ],
        options={"constraints": [models.CheckConstraint(condition=Q(title__gt=""), name="book_has_title")]},
    ),
    migrations.AddField(
        "book", "owner", models.ForeignKey("made.Shelf", models.CASCADE, null=True, related_name="+")
    ),
    migrations.AddField("shelf", "kind", models.CharField(max_length=9, db_default="", default="")),
    migrations.AddConstraint("shelf", models.UniqueConstraint(fields=["name", "kind"], name="shelf_once")),
    migrations.AddConstraint(
        "shelf", models.UniqueConstraint(fields=["kind"], condition=Q(name=""), name="shelf_kind")
    ),
    AddConstraintNotValid("book", models.CheckConstraint(condition=Q(title__lt="z"), name="book_before_z")),
    migrations.AddIndex("book", models.Index(fields=["title", "id"], name="book_by_title")),
    AddIndexConcurrently("book", models.Index(fields=["id", "title"], name="book_by_id")),
    RemoveIndexConcurrently("book", "book_by_title"),
    migrations.RemoveConstraint("book", "book_has_title"),
    migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("shelf", "kind")]),
    migrations.RunSQL("CREATE INDEX IF NOT EXISTS by_hand ON made_shelf (id)"),
]


def test_it_may_be_cut_off_after_any_statement(empty_database: None) -> None:
    migration = type("Migration", (migrations.Migration,), {"atomic": False, "operations": MADE})(
        "0001", "made"
    )
    _cut_off_after_each_statement(migration, ProjectState())
    cut_off = tables()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP TABLE made_book, made_shelf")
    with connections[ALIAS].schema_editor(atomic=False) as editor:
        migration.apply(ProjectState(), editor)
    assert cut_off == tables()
    assert len(cut_off) > 20


def test_all_that_such_migrations_of_ours_do_was_tried() -> None:
    operations = [
        one
        for app, name in ONE_BY_ONE
        for one in import_module(f"{app}.migrations.{name}").Migration.operations
    ]
    assert {type(one) for one in operations} <= {type(one) for one in MADE}


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes half a minute: set TEST_FAULTS=1")
def test_every_migration_that_was_cut_off_is_run_again(empty_database: None) -> None:
    connection = connections[ALIAS]
    plan = MigrationExecutor(connection).migration_plan(
        MigrationExecutor(connection).loader.graph.leaf_nodes()
    )
    state, tried = MigrationExecutor(connection).loader.project_state([]), []
    for migration, _ in plan:
        after = migration.mutate_state(state, preserve=True)
        if migration.atomic:
            with connection.schema_editor(atomic=True) as editor:
                migration.apply(state.clone(), editor)
        else:
            tried.append((migration.app_label, migration.name))
            _cut_off_after_each_statement(migration, state)
        state = after
    assert sorted(tried) == sorted([*ONE_BY_ONE, ("sources", "0002_item_by_version")])
    # As where nothing was cut off.
    assert tables() == tables("default")


def _cut_off_after_each_statement(migration: Any, state: Any) -> None:
    connection, statements = connections[ALIAS], 0
    while True:
        try:
            with killed_after(statements) as carried_out, connection.schema_editor(atomic=False) as editor:
                migration.apply(state.clone(), editor)
        except Killed:
            statements += 1
        else:
            assert len(carried_out) == statements > 0
            return


def test_an_index_that_was_half_built_is_built_anew(empty_database: None) -> None:
    connection = connections[ALIAS]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE two AS SELECT generate_series(1, 2)")
        with pytest.raises(IntegrityError):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY shelf_by_name ON two ((1))")
    assert [row[3] for row in tables() if "INDEX shelf_by_name " in row[2]] == ["false"]
    made = [MADE[0], AddIndexConcurrently("shelf", models.Index(fields=["name"], name="shelf_by_name"))]
    migration = type("Migration", (migrations.Migration,), {"atomic": False, "operations": made})
    with connection.schema_editor(atomic=False) as editor:
        migration("0001", "made").apply(ProjectState(), editor)
    (row,) = [row for row in tables() if "INDEX shelf_by_name " in row[2]]
    assert (row[2].endswith("made_shelf USING btree (name)"), row[3]) == (True, "true")


def test_in_a_transaction_nothing_is_passed_over(empty_database: None) -> None:
    connection = connections[ALIAS]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE there (id int)")
    with (
        pytest.raises(ProgrammingError, match="already exists"),
        connection.schema_editor(atomic=True) as editor,
    ):
        editor.execute("CREATE TABLE there (id int)")


def test_another_mistake_is_told(empty_database: None) -> None:
    with (
        pytest.raises(ProgrammingError, match="does not exist"),
        connections[ALIAS].schema_editor(atomic=False) as editor,
    ):
        editor.execute("ALTER TABLE nowhere ADD COLUMN a int")
