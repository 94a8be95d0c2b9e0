"""Changes of tables that can be taken up again: an upgrade that was killed half way is simply run again.

A migration with ``atomic = False`` commits each statement by itself, so that it holds no locks on several tables and
can build indexes while the service goes on. Killed in its middle, it is not recorded as applied and starts anew: what
it did already must then be no error, and an index that was half built (PostgreSQL leaves it, invalid) goes first.
"""

import logging
from typing import Any

from django.db.backends.postgresql import schema
from django.db.utils import ProgrammingError
from psycopg2 import errors

logger = logging.getLogger(__name__)

# What PostgreSQL says of a statement that was carried out before: CREATE or ADD, then DROP.
DONE_BEFORE = (errors.DuplicateColumn, errors.DuplicateTable, errors.DuplicateObject, errors.UndefinedObject)
_INVALID = "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid)"


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Django's own; without a transaction around the migration, what is there already is passed over."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Run one statement. Raises ProgrammingError, unless it is one that was carried out before."""
        try:
            super().execute(sql, params)
        except ProgrammingError as error:
            if self._is_in_transaction() or not isinstance(error.__cause__, DONE_BEFORE):
                raise
            logger.info("done already, by a migration that was cut off: %s", sql)

    def add_index(self, model: Any, index: Any, concurrently: bool = False) -> None:
        """Create an index; one of that name that was only half built is removed before."""
        if concurrently and not self.collect_sql:
            name = self.quote_name(index.name)
            with self.connection.cursor() as cursor:
                cursor.execute(_INVALID, [name])
                (is_invalid,) = cursor.fetchone()
            if is_invalid:
                self.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        super().add_index(model, index, concurrently=concurrently)

    def _is_in_transaction(self) -> bool:
        return bool(self.atomic_migration or self.connection.in_atomic_block)
