"""The database itself: its role, and it, made with an administrator's connection when they are not there."""

from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from deposit.operations.bootstrap.outcomes import BootstrapFailed, Outcome, State


@dataclass(frozen=True, kw_only=True)
class Target:
    """The database that the service is to use, from Django's settings."""

    name: str
    user: str
    password: str
    host: str
    port: str

    @classmethod
    def of(cls, configured: dict[str, Any]) -> "Target":
        """From one entry of ``settings.DATABASES``."""
        return cls(
            name=configured["NAME"],
            user=configured.get("USER") or "",
            password=configured.get("PASSWORD") or "",
            host=configured.get("HOST") or (configured.get("OPTIONS") or {}).get("host") or "",
            port=str(configured.get("PORT") or ""),
        )

    def answers(self) -> str:
        """Empty when one can connect, else the reason in PostgreSQL's words."""
        given = {
            "dbname": self.name,
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": self.port,
        }
        try:
            psycopg2.connect(make_dsn(**{k: v for k, v in given.items() if v}, connect_timeout=5)).close()
        except psycopg2.OperationalError as error:
            return str(error).strip()
        return ""


def make_database(target: Target, admin_url: str, *, check: bool) -> Outcome:
    """Make role and database unless they are there. Raises `BootstrapFailed` when that is not possible."""
    reason = target.answers()
    if not reason:
        return Outcome(f"database {target.name}", State.KEPT)
    if not admin_url:
        user = target.user or "USER"
        raise BootstrapFailed(
            f"The database does not answer: {reason}\nMake it, or give the address of an administrator of PostgreSQL "
            "with --database-admin-url-file. By hand, as the user postgres:\n"
            f"  createuser {user} && createdb -O {user} -E UTF8 -T template0 {target.name}"
        )
    if check:
        return Outcome(f"database {target.name}", State.WOULD_MAKE)
    try:
        _make(target, admin_url)
    except psycopg2.Error as error:
        raise BootstrapFailed(f"The database could not be made: {str(error).strip()}") from error
    reason = target.answers()
    if reason:
        raise BootstrapFailed(f"The database is there, but does not let the service in: {reason}")
    return Outcome(f"database {target.name}", State.MADE)


def _make(target: Target, admin_url: str) -> None:
    connection = psycopg2.connect(admin_url, connect_timeout=5)
    connection.autocommit = True  # CREATE DATABASE stands alone
    try:
        with connection.cursor() as cursor:
            _make_role(cursor, target)
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [target.name])
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(target.name), sql.Identifier(target.user)
                    )
                )
    finally:
        connection.close()


def _make_role(cursor: Any, target: Target) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [target.user])
    if cursor.fetchone() is not None:
        return
    statement = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(target.user))
    if target.password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(target.password))
    cursor.execute(statement)
    # Who is no superuser may give a database only to a role of which it is a member.
    cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(target.user)))
