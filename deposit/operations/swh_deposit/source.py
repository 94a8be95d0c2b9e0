"""The other server's database, as the migrations of swh-deposit 3.0.1 made it; read, never written."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.extras import RealDictCursor

# The newest migration of the schema that this reads.
MIGRATION = "0025_set_release_data"
_MIGRATIONS = "SELECT name FROM django_migrations WHERE app = 'deposit' AND name >= %s ORDER BY name"
_ACCOUNTS = """
SELECT u.id, u.username, u.password, u.first_name, u.last_name, u.email, u.is_active,
    u.is_staff OR u.is_superuser AS is_privileged, u.date_joined,
    c.user_ptr_id IS NOT NULL AS is_client, coalesce(c.collections, '{}') AS collections,
    coalesce(c.provider_url, '') AS provider_url, coalesce(c.domain, '') AS domain
FROM auth_user u LEFT JOIN deposit_client c ON c.user_ptr_id = u.id ORDER BY u.id
"""
# The documents themselves are asked for only where something has changed.
_DEPOSITS = """
SELECT d.id, d.reception_date, d.complete_date, d.collection_id, d.external_id, d.origin_url, d.client_id, d.swhid,
    d.swhid_context, d.status, d.status_detail, d.parent_id, d.type, d.software_version, d.release_notes,
    coalesce((SELECT string_agg(concat_ws(' ', r.id, r.type, r.archive, md5(r.raw_metadata)), ',' ORDER BY r.id)
        FROM deposit_request r WHERE r.deposit_id = d.id), '') AS requests
FROM deposit d
WHERE d.id > %(after)s AND (%(collection)s::bigint IS NULL OR d.collection_id = %(collection)s)
AND (%(since)s::timestamptz IS NULL OR d.reception_date >= %(since)s OR d.complete_date >= %(since)s
    OR EXISTS (SELECT FROM deposit_request r WHERE r.deposit_id = d.id AND r.date >= %(since)s))
ORDER BY d.id LIMIT %(most)s
"""
_REQUESTS = """
SELECT id, deposit_id, date, type, coalesce(archive, '') AS archive, raw_metadata, metadata IS NOT NULL AS has_metadata
FROM deposit_request WHERE deposit_id = ANY(%s) ORDER BY id
"""


class SourceError(Exception):
    """The other database cannot be read, or is not what it should be; ``str()`` says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user there, and the depositor that it is, if it is one. ``collections`` are numbers there."""

    id: int
    username: str
    password: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    is_privileged: bool
    date_joined: datetime
    is_client: bool
    collections: Sequence[int]
    provider_url: str
    domain: str

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""
        return _digest(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldDeposit:
    """A deposit there; ``requests`` sums up its requests, so that a change in them shows."""

    id: int
    reception_date: datetime
    complete_date: datetime | None
    collection_id: int
    external_id: str | None
    origin_url: str | None
    client_id: int
    swhid: str | None
    swhid_context: str | None
    status: str
    status_detail: Any
    parent_id: int | None
    type: str
    software_version: str
    release_notes: str
    requests: str

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""
        return _digest(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request there: a package by the name of its file below the uploads, or a metadata document."""

    id: int
    deposit_id: int
    date: datetime
    type: str | None
    archive: str
    raw_metadata: str | None
    has_metadata: bool


def _digest(row: Account | OldDeposit) -> str:
    values = [getattr(row, field.name) for field in fields(row)]
    told = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()


class Source:
    """The other server's record."""

    def __init__(self, connection: "psycopg2.extensions.connection") -> None:
        self._connection = connection
        self.name: str = connection.info.dbname
        self._require_schema()

    def _require_schema(self) -> None:
        try:
            found = [row["name"] for row in self._rows(_MIGRATIONS, [MIGRATION])]
        except psycopg2.errors.UndefinedTable as error:
            raise SourceError(
                f"The database {self.name} is not one of swh-deposit: {error}".strip()
            ) from error
        if found != [MIGRATION]:
            told = f"its newest migrations are {', '.join(found)}" if found else "it is older"
            raise SourceError(
                f"The database {self.name} is not of swh-deposit 3.0.1 ({told}). Upgrade that server first "
                "(or this one, if that server is newer)."
            )

    def _rows(self, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement, parameters)
            return [dict(row) for row in cursor.fetchall()]

    def accounts(self) -> list[Account]:
        """All users, by number."""
        return [Account(**row) for row in self._rows(_ACCOUNTS)]

    def collections(self) -> dict[int, str]:
        """Number -> name."""
        return {
            row["id"]: row["name"]
            for row in self._rows("SELECT id, name FROM deposit_collection ORDER BY id")
        }

    def newest(self) -> int:
        """The highest number that was given to a deposit, deleted ones included."""
        (row,) = self._rows(
            "SELECT greatest((SELECT max(id) FROM deposit), coalesce(pg_sequence_last_value("
            "pg_get_serial_sequence('deposit', 'id')::regclass), 0), 0) AS newest"
        )
        return int(row["newest"])

    def deposits(
        self, *, collection: int | None, since: date | None, most: int
    ) -> Iterator[list[OldDeposit]]:
        """The deposits by number, ``most`` at a time; ``since``: only those in which something came since then."""
        after = 0
        while rows := self._rows(
            _DEPOSITS, {"after": after, "collection": collection, "since": since, "most": most}
        ):
            yield [OldDeposit(**row) for row in rows]
            after = rows[-1]["id"]

    def requests(self, deposits: Sequence[int]) -> dict[int, list[Request]]:
        """The requests of some deposits, in their order."""
        found: dict[int, list[Request]] = {deposit: [] for deposit in deposits}
        for row in self._rows(_REQUESTS, [list(deposits)]):
            found[row["deposit_id"]].append(Request(**row))
        return found


@contextmanager
def opened(url: str) -> Iterator[Source]:
    """The database at a PostgreSQL URL, in sessions that cannot write. Raises `SourceError`."""
    try:
        connection = psycopg2.connect(url, application_name="deposit-server: moving in")
    except psycopg2.Error as error:
        raise SourceError(f"The other database cannot be reached: {error}".strip()) from error
    with closing(connection):
        connection.set_session(readonly=True, autocommit=True)
        yield Source(connection)
