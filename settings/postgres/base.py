"""Django's PostgreSQL backend, whose health check costs no question when nothing is wrong, and whose migrations can be
run again after they were cut off (``schema``).

``CONN_HEALTH_CHECKS`` asks the server at the start of every request whether it is still there. A server that ended,
or ended our session, has closed the connection; this end can see that without a round trip.
"""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from settings.postgres.schema import DatabaseSchemaEditor


def is_at_rest(connection: Any) -> bool:
    """Whether a psycopg2 connection is open, in no transaction, and its server has said nothing unasked.

    What a server says unasked is mostly farewell, and then the end of the stream.
    """
    if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    return not said.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """The class that Django looks for."""

    SchemaEditorClass = DatabaseSchemaEditor

    def is_usable(self) -> bool:
        """Whether the next request may have the connection; when in doubt, the server is asked."""
        if self.connection is not None and is_at_rest(self.connection):
            return True
        return bool(super().is_usable())
