"""What PostgreSQL is told of the tables that grow: see docs/explanation/growing-tables.md."""

import re

import pytest
from django.db import connection

from tests.support.gunicorn_server import REPOSITORY

pytestmark = pytest.mark.django_db
PAGE = (REPOSITORY / "docs" / "explanation" / "growing-tables.md").read_text()
KEPT = (
    "deposit",
    "event",
    "part",
    "finding",
    "delivery",
    "activity",
    "identifier",
    "auditrecord",
    "submissionkey",
)

# Indexes of a table whose columns are the first ones of another's that covers all rows.
_REDUNDANT = """
SELECT one.indexrelid::regclass::text
FROM pg_index one JOIN pg_index other ON one.indrelid = other.indrelid AND one.indexrelid <> other.indexrelid
WHERE one.indrelid = ANY(%s::text[]::regclass[]) AND NOT one.indisunique AND one.indpred IS NULL
    AND one.indexprs IS NULL AND other.indpred IS NULL AND other.indexprs IS NULL
    AND other.indkey::text LIKE one.indkey::text || ' %%'
    AND (SELECT amname FROM pg_am JOIN pg_class ON relam = pg_am.oid WHERE pg_class.oid = one.indexrelid) = 'btree'
    AND one.indclass[0] = other.indclass[0]
"""


def test_large_tables_are_vacuumed_long_before_a_fifth_of_them_has_changed() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relname = ANY(%s)",
            [[f"deposit_{name}" for name in KEPT]],
        )
        options = {name: dict(one.split("=") for one in given or ()) for name, given in cursor.fetchall()}
    assert set(options) == {f"deposit_{name}" for name in KEPT}
    for given in options.values():
        assert float(given["autovacuum_vacuum_scale_factor"]) == 0.02
        assert float(given["autovacuum_analyze_scale_factor"]) == 0.02


def test_no_index_of_a_large_table_is_the_beginning_of_another() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REDUNDANT, [[f"deposit_{name}" for name in KEPT]])
        assert cursor.fetchall() == []


def test_the_page_has_every_table_that_a_deposit_leaves_rows_in() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint "
            "WHERE contype = 'f' AND confrelid IN ('deposit_deposit'::regclass, 'deposit_delivery'::regclass) "
            "AND conrelid::regclass::text LIKE 'deposit_%'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    assert sorted(tables - set(re.findall(r"`(deposit_\w+)`", PAGE))) == []
