"""Whether a connection may go from one to the next."""

import select
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE


def is_at_rest(connection: Any) -> bool:
    """Whether a psycopg2 connection is open, in no transaction, and its server has said nothing unasked.

    What a server says unasked is mostly farewell, and then the end of the stream.
    """
    if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    return not said.poll(0)
