"""Upgrades: migrations let the code before them go on working, while they run and afterwards.

An old model inserts exactly the columns it knows; that is what the release before does while the new one migrates.
"""

import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import connection, connections, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED
from pytest_django import DjangoDbBlocker

REPOSITORY = Path(__file__).resolve().parents[2]
MIGRATIONS = sorted(
    path for app in ("archive", "deposit") for path in (REPOSITORY / app / "migrations").glob("[0-9]*.py")
)
# Up to here the tables were never in anybody's hands: 0.1.0 will be the first release. What comes after meets tables
# with millions of rows, which must not be locked while an index is built or every row is looked at.
BEFORE_THE_FIRST_RELEASE = {"archive": 2, "deposit": 20}
BREAKS_OLD_CODE = (
    migrations.RemoveField,
    migrations.DeleteModel,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.AlterModelTable,
)
ALIAS = "upgraded"


def complaints(operations: list[Operation], *, in_use: bool) -> list[str]:
    """What in a migration the release before would not survive, or (``in_use``) what locks large tables for long."""
    made = {operation.name_lower for operation in operations if isinstance(operation, migrations.CreateModel)}
    return [
        problem
        for operation in operations
        if getattr(operation, "model_name", "").lower() not in made
        for problem in (_breaks(operation), _locks(operation) if in_use else "")
        if problem
    ]


def _breaks(operation: Operation) -> str:
    words = operation.describe()
    if isinstance(operation, BREAKS_OLD_CODE):
        return f"{words}: the code before still uses it; stop using it in one release, remove it in the next"
    if isinstance(operation, migrations.AddField) and not isinstance(operation.field, models.ManyToManyField):
        field = operation.field
        if not (
            field.null
            or field.has_db_default()
            or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
        ):
            return f"{words}: the code before inserts rows without it; give it a db_default, or null=True"
    return ""


def _locks(operation: Operation) -> str:
    words = operation.describe()
    if isinstance(operation, migrations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        return f"{words}: use AddIndexConcurrently, in a migration with atomic = False"
    if isinstance(operation, migrations.AddConstraint) and not isinstance(operation, AddConstraintNotValid):
        return f"{words}: use AddConstraintNotValid, and ValidateConstraint in the next migration"
    if isinstance(operation, migrations.AlterField) and getattr(operation.field, "db_constraint", True):
        return f"{words}: say in BEFORE_THE_FIRST_RELEASE's place that it rewrites nothing, or add a second field"
    # A reference without a constraint can only have lost one, which rewrites nothing.
    return ""


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_a_migration_lets_the_code_before_it_go_on(path: Path) -> None:
    app, number = path.parts[-3], int(path.stem[:4])
    migration = import_module(f"{app}.migrations.{path.stem}").Migration
    assert complaints(migration.operations, in_use=number > BEFORE_THE_FIRST_RELEASE[app]) == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("deposit", "slug"),
        migrations.RenameField("deposit", "slug", "name"),
        migrations.DeleteModel("Deposit"),
        migrations.AddField("deposit", "size", models.IntegerField(default=0)),
        migrations.AddField("deposit", "size", models.IntegerField()),
        migrations.AddIndex("deposit", models.Index(fields=["slug"], name="by_slug")),
        migrations.AddConstraint("deposit", models.UniqueConstraint(fields=["slug"], name="one_slug")),
        migrations.AlterField("deposit", "slug", models.TextField()),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_old_code_would_not_survive_is_complained_of(operation: Operation) -> None:
    assert len(complaints([operation], in_use=True)) == 1


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("deposit", "size", models.IntegerField(null=True)),
        migrations.AddField("deposit", "size", models.IntegerField(db_default=0)),
        AddIndexConcurrently("deposit", models.Index(fields=["slug"], name="by_slug")),
        ValidateConstraint("deposit", "one_slug"),
        migrations.RemoveConstraint("deposit", "one_slug"),
        migrations.AlterField(
            "deposit", "client", models.ForeignKey("Client", models.PROTECT, db_constraint=False)
        ),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_only_adds_is_not_complained_of(operation: Operation) -> None:
    assert complaints([operation], in_use=True) == []


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """An empty database of its own, as the connection ``upgraded``."""
    name = f"{connection.settings_dict['NAME']}_{ALIAS}"
    with django_db_blocker.unblock():
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" ENCODING UTF8 TEMPLATE template0')
        connections.settings[ALIAS] = {**connection.settings_dict, "NAME": name, "CONN_MAX_AGE": 0}
        try:
            yield
        finally:
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.settings[ALIAS]
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class OldCode(threading.Thread):
    """What the first release does all the time: take deposits, and judge them."""

    def __init__(self, models_of_then: Any, client: int, collection: int) -> None:
        super().__init__(daemon=True)
        self.then = models_of_then
        self.client, self.collection = client, collection
        self.over = threading.Event()
        self.failures: list[str] = []
        self.taken = 0

    def deposit(self) -> None:
        """One deposit, from nothing to verified, by the statements of then."""
        rows = self.then.get_model("deposit", "Deposit").objects.using(ALIAS)
        deposit = rows.create(
            client_id=self.client, collection_id=self.collection, status="partial", lease_owner=""
        )
        now = models.functions.Now()
        for before, after in (("partial", "deposited"), ("deposited", "verified")):
            # Its leases are in the deposit's own columns.
            rows.filter(pk=deposit.pk, status=before).update(lease_token=models.F("lease_token") + 1)
            rows.filter(pk=deposit.pk).update(
                status=after,
                complete_date=now,
                lease_expires_at=None,
                lease_owner="",
                attempts=0,
                sent_at=None,
            )
            self.then.get_model("deposit", "Event").objects.using(ALIAS).create(
                deposit_id=deposit.pk, name=after, from_status=before, to_status=after, actor="old"
            )
        self.taken += 1

    def run(self) -> None:
        """Go on until told to stop."""
        try:
            while not self.over.is_set():
                self.deposit()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test is to tell it)
            self.failures.append(repr(error))
        finally:
            connections[ALIAS].close()


@pytest.mark.django_db
def test_the_first_release_takes_deposits_while_everything_is_migrated(empty_database: None) -> None:
    executor = MigrationExecutor(connections[ALIAS])
    first = [("deposit", "0002_event_append_only"), ("archive", "0001_initial")]
    executor.migrate(first)
    then = executor.loader.project_state(first).apps
    user = then.get_model("auth", "User").objects.using(ALIAS).create(username="ada")
    client = (
        then.get_model("deposit", "Client")
        .objects.using(ALIAS)
        .create(user=user, provider_url="https://x.org/")
    )
    collection = then.get_model("deposit", "Collection").objects.using(ALIAS).create(name="papers")
    old = OldCode(then, client.pk, collection.pk)
    for _ in range(50):
        old.deposit()
    old.start()
    now = MigrationExecutor(connections[ALIAS])
    now.migrate(now.loader.graph.leaf_nodes())
    migrated = old.taken
    # And afterwards: until the restart it is still the old code that serves.
    while old.is_alive() and old.taken < migrated + 20:
        old.join(0.01)
    old.over.set()
    old.join()
    assert old.failures == []
    kept = then.get_model("deposit", "Deposit").objects.using(ALIAS).filter(status="verified").count()
    assert kept == old.taken > 70
