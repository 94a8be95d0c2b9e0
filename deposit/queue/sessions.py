"""A worker's database session is known by the claim it works under, so that it can be ended with the lease.

A worker that is frozen keeps what its session holds: the turn on an origin, a locked row, rows that are not committed
yet. Whoever takes its work over would wait for as long as it is frozen.
"""

from django.db import Error, connection


def name_session(token: int) -> None:
    """Let this session be the one of a claim, until it is that of another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [_name(token)])


def unname_session() -> None:
    """Let this session be nobody's again: who looks at the database must not take an idle one for one at work."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET application_name")
    except Error:
        # Broken, or in a transaction that is; a session that ends takes its name with it.
        if not connection.in_atomic_block:
            connection.close()


def end_session(token: int) -> bool:
    """End the session of a claim, if it is another one than ours; whether there was one. What it held is free then."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT bool_or(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity
            WHERE application_name = %s AND datname = current_database() AND pid <> pg_backend_pid()
            """,
            [_name(token)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _name(token: int) -> str:
    return f"claim {token}"
