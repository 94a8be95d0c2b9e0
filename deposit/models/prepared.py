"""Statements that PostgreSQL reads and plans once for each session, and then only executes.

To plan a short statement takes PostgreSQL longer than to execute it. What is prepared belongs to the session, and stays
when a transaction is rolled back. Where the settings of a database say ``PREPARES_STATEMENTS: False``, because a pooler
gives every transaction another session, statements are sent as they are.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db import NotSupportedError, connections

from settings.postgres.replica import read_alias

Row = tuple[Any, ...]

# The names of what each session has prepared.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
_PLACE = re.compile("%[s%]")


class Prepared:
    """A statement with ``%s`` in the place of each value, as psycopg2 has it.

    The types of values are told by what they stand beside, or by a cast. Columns are listed, never ``*``: a plan must
    not change what it gives.
    """

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._name = f"deposit_{hashlib.sha256(sql.encode()).hexdigest()[:20]}"
        numbers = iter(range(1, 1000))
        body = _PLACE.sub(lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", sql)
        count = next(numbers) - 1
        self._prepare = f"PREPARE {self._name} AS {body}"
        places = f" ({', '.join(['%s'] * count)})" if count else ""
        self._execute = f"EXECUTE {self._name}{places}"

    def rows(self, *values: object, before: str = "", given: Sequence[object] = ()) -> list[Row]:
        """What the statement gives for these values.

        ``before``, with the values ``given``: a statement that is executed first, in the same round trip and
        transaction; what it gives is dropped.
        """
        connection: Any = connections[read_alias()]
        if not connection.settings_dict.get("PREPARES_STATEMENTS", True):
            return self._asked(connection, before + self._sql, (*given, *values))
        connection.ensure_connection()
        if self._name not in _prepared.get(connection.connection, ()):
            self._make_ready(connection)
        try:
            return self._asked(connection, before + self._execute, (*given, *values))
        except NotSupportedError:
            # A table's columns have got another type since: the plan is of no use any more.
            _prepared[connection.connection].discard(self._name)
            if connection.in_atomic_block:
                raise
            self._make_ready(connection)
            return self._asked(connection, before + self._execute, (*given, *values))

    def first(self, *values: object) -> Row | None:
        """The only row, or the first."""
        rows = self.rows(*values)
        return rows[0] if rows else None

    def _asked(self, connection: Any, sql: str, values: Sequence[object]) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            rows: list[Row] = cursor.fetchall()
            return rows

    def _make_ready(self, connection: Any) -> None:
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            # One that is there is of a plan that is of no use, or was not noted for an interruption.
            cursor.execute("SELECT FROM pg_prepared_statements WHERE name = %s", [self._name])
            if cursor.fetchone() is not None:
                cursor.execute(f"DEALLOCATE {self._name}")
            # One plan for all values: else PostgreSQL plans each of the first five executions.
            cursor.execute(f"SET plan_cache_mode = force_generic_plan; {self._prepare}")
        _prepared.setdefault(connection.connection, set()).add(self._name)
