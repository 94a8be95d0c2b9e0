"""Django's PostgreSQL backend: a pool for the web, a health check that costs no question when all is well, and
migrations that can be run again after they were cut off (``schema``).

``CONN_HEALTH_CHECKS`` asks the server at the start of every request whether it is still there. A server that ended,
or ended our session, has closed the connection; this end can see that without a round trip.

``POOL_SIZE`` in the settings of a database (not among its OPTIONS: Django's own pool needs psycopg 3) lends sessions
from a pool of this process; ``POOL_PATIENCE`` is how long a thread waits for one, in seconds.
"""

import threading
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from settings.postgres.pool import Pool
from settings.postgres.rest import is_at_rest
from settings.postgres.schema import DatabaseSchemaEditor

_PATIENCE = 5.0


class DatabaseWrapper(base.DatabaseWrapper):
    """The class that Django looks for."""

    SchemaEditorClass = DatabaseSchemaEditor

    _lending: ClassVar[dict[str, Pool]] = {}
    _making: ClassVar[threading.Lock] = threading.Lock()

    @property
    def lender(self) -> Pool | None:
        """The pool of this process; None where sessions are kept by those who use them."""
        size = self.settings_dict.get("POOL_SIZE")
        if not size:
            return None
        if self.settings_dict["CONN_MAX_AGE"] != 0:
            raise ImproperlyConfigured("POOL_SIZE needs CONN_MAX_AGE = 0: what is lent is given back.")
        with self._making:
            if self.alias not in self._lending:
                patience = self.settings_dict.get("POOL_PATIENCE", _PATIENCE)
                self._lending[self.alias] = Pool(size, patience=patience)
            return self._lending[self.alias]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A session of our own, or one that is lent."""
        pool = self.lender
        if pool is None:
            return super().get_new_connection(conn_params)
        # As Django notes it for a session that it has made.
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return pool.take(lambda: super(DatabaseWrapper, self).get_new_connection(conn_params))

    def _close(self) -> None:
        pool = self.lender
        if pool is None or self.connection is None:
            super()._close()  # type: ignore[misc]
            return
        connection, self.connection = self.connection, None
        pool.give_back(connection)

    def release(self) -> None:
        """Give a lent session back, unless a transaction goes on; one of our own is kept."""
        if self.connection is not None and not self.in_atomic_block and self.lender is not None:
            self.close()

    def is_usable(self) -> bool:
        """Whether the next request may have the connection; when in doubt, the server is asked."""
        if self.connection is not None and is_at_rest(self.connection):
            return True
        return bool(super().is_usable())
