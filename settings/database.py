"""How processes reach the database: the web through a pool of its own and, where there is one, through a pooler.

A web process may not keep a session for itself: a request holds one while it asks, and nothing that outlives a
transaction may depend on it (no session's advisory lock, LISTEN, temporary table, cursor WITH HOLD). Workers, the
dispatcher and commands do all of these, and have the server itself at ``DATABASE_DIRECT_URL``.
"""

import sys
from pathlib import Path
from typing import Any

import environ

Database = dict[str, Any]

ENGINE = "settings.postgres"
# What one slot of a worker holds: its task's session, and one that renews the lease.
SESSIONS_OF_A_SLOT = 2
# Dispatcher and its successor, scheduler, watcher, and the heartbeats of the workers; commands come beside these.
OTHER_SESSIONS = 10
# Who finds all sessions of the standby at work for so long asks the primary, in seconds.
_REPLICA_PATIENCE = 0.5
# A process that is frozen in a transaction must not hold up the others: waits for locks end, and so do sessions that
# sit in a transaction and do nothing.
LIMITS = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"}


def read_databases(env: environ.Env) -> tuple[Database, Database, Database | None]:
    """What the web uses, what everybody else does, and a standby for reads of the web, if there is one.

    Raises ImproperlyConfigured without ``DATABASE_URL``.
    """
    web: Database = env.db_url("DATABASE_URL")
    has_pooler = bool(env.str("DATABASE_DIRECT_URL", default=""))
    direct: Database = env.db_url("DATABASE_DIRECT_URL") if has_pooler else env.db_url("DATABASE_URL")
    _complete(web, name="web", limited=not has_pooler)
    _complete(direct, name=process_name(sys.argv), limited=True)
    direct["CONN_MAX_AGE"] = None
    size = env.int("WEB_CONNECTIONS", default=8)
    _share(web, size, env.float("WEB_CONNECTION_SECONDS", default=5.0))
    # Neither has another session what one has prepared, but our own pool knows what each has.
    web["PREPARES_STATEMENTS"] = not has_pooler
    if not env.str("DATABASE_REPLICA_URL", default=""):
        return web, direct, None
    replica: Database = env.db_url("DATABASE_REPLICA_URL")
    _complete(replica, name="web", limited=False)
    _share(replica, size, _REPLICA_PATIENCE)
    return web, direct, replica


def _share(database: Database, size: int, patience: float) -> None:
    """Let the threads of a process share ``size`` sessions, and wait for one for ``patience`` seconds."""
    database["CONN_MAX_AGE"] = 0
    database["POOL_SIZE"] = size
    database["POOL_PATIENCE"] = patience
    # The next statement may be sent to another session, by a pooler or by our own pool.
    database["DISABLE_SERVER_SIDE_CURSORS"] = True


def _complete(database: Database, *, name: str, limited: bool) -> None:
    """``limited``: the server itself is asked, and takes settings of the session along with the connection."""
    database["ENGINE"] = ENGINE
    database["CONN_HEALTH_CHECKS"] = True
    options = database.setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 5)
    if name:
        options.setdefault("application_name", f"deposit {name}")
    if limited:
        options.setdefault("options", " ".join(f"-c {key}={value}" for key, value in LIMITS.items()))


def process_name(arguments: list[str]) -> str:
    """What a process tells PostgreSQL of itself: ``worker``, ``beat``, or its command; nothing when it is neither."""
    program, *words = arguments or [""]
    if (Path(program).name == "manage.py" or Path(program).parent.name == "django") and words:
        return words[0][:30]
    named = [word for word in words if word in ("worker", "beat")]
    is_celery = Path(program).name == "celery" or Path(program).parent.name == "celery"
    return named[0] if is_celery and named else ""
