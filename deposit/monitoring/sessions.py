"""The sessions of the database: how many there are, whose, how many it gives, and how many the service may ask for."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from settings.database import OTHER_SESSIONS, SESSIONS_OF_A_SLOT

# Our own by what they say of themselves; work that goes on names its session "claim N".
_USED = """
SELECT CASE WHEN datname IS DISTINCT FROM current_database() THEN 'others'
        WHEN application_name LIKE 'claim %%' THEN 'worker'
        WHEN application_name LIKE 'deposit %%' THEN split_part(application_name, ' ', 2)
        ELSE 'others' END AS process, count(*)
FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 1
"""
_LIMIT = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    (SELECT coalesce(sum(slots), 0)::int FROM deposit_pulse WHERE beat_at > statement_timestamp() - interval '60 s')
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sessions:
    """``used`` by kind of process; ``limit``: what the server gives to all; ``slots`` of the living workers."""

    used: dict[str, int]
    limit: int
    slots: int

    @property
    def all_used(self) -> int:
        """All sessions of the server, also those of others."""
        return sum(self.used.values())

    @property
    def share(self) -> float:
        """What is used of what there is, 0 to 1."""
        return self.all_used / self.limit

    @property
    def wanted(self) -> int:
        """How many the processes that live may ask for, with one host's web; at least DATABASE_CONNECTIONS."""
        web = settings.WEB_WORKERS * settings.WEB_CONNECTIONS
        living = web + self.slots * SESSIONS_OF_A_SLOT + OTHER_SESSIONS
        return max(living, settings.DATABASE_CONNECTIONS)


def read_sessions() -> Sessions:
    """Ask the server. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [])
        used = dict(cursor.fetchall())
        cursor.execute(_LIMIT)
        limit, slots = cursor.fetchone()
    return Sessions(used=used, limit=limit, slots=slots)
