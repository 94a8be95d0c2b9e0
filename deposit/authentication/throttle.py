"""Wrong passwords are counted before the next one is hashed; in PostgreSQL, so that all web processes know.

Three leaky buckets: this account from this address, this account from anywhere, this address for any account. Only
failures write. An address from which the account was used rightly before is bound by the first alone, so that
strangers cannot lock the owner out. Whoever is refused is told when to come again.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from deposit.authentication.addresses import neighbourhood
from deposit.refusals import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many failures fit in, and after how many seconds one has leaked out."""

    name: str
    capacity: float
    seconds_each: float


PAIR = Bucket("pair", 10, 30)
ACCOUNT = Bucket("account", 10, 30)
ADDRESS = Bucket("address", 60, 10)
BUCKETS = (PAIR, ACCOUNT, ADDRESS)
KNOWN = "known"
KNOWN_DAYS = 90

_READ = """
SELECT key, level, EXTRACT(EPOCH FROM clock_timestamp() - at) FROM deposit_loginfailures WHERE key = ANY(%s)
"""
# In the order of the keys, so that two that fail at once cannot wait for each other.
_FILL = """
INSERT INTO deposit_loginfailures AS bucket (key, level, at)
SELECT key, 1, clock_timestamp() FROM unnest(%s::bytea[], %s::float8[]) AS new (key, seconds_each) ORDER BY key
ON CONFLICT (key) DO UPDATE SET at = excluded.at, level = 1 + GREATEST(
    0, bucket.level - EXTRACT(EPOCH FROM excluded.at - bucket.at)
       / (SELECT seconds_each FROM unnest(%s::bytea[], %s::float8[]) AS n (key, seconds_each) WHERE n.key = bucket.key))
RETURNING key, level
"""
_KNOW = """
INSERT INTO deposit_loginfailures AS known (key, level, at) VALUES (%s, 0, clock_timestamp())
ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE known.at < excluded.at - interval '1 day'
"""


def _key(*words: str) -> bytes:
    message = "\x00".join(words).encode("utf-8", "surrogatepass")
    return hmac.digest(settings.SECRET_KEY.encode(), b"login failures\x00" + message, hashlib.sha256)[:16]


class LoginThrottle:
    """The way to one account from one address."""

    def __init__(self, *, account: str, address: str) -> None:
        near = neighbourhood(address)
        self._keys = {
            PAIR.name: _key(PAIR.name, account, near),
            ACCOUNT.name: _key(ACCOUNT.name, account),
            ADDRESS.name: _key(ADDRESS.name, near),
            KNOWN: _key(KNOWN, account, near),
        }
        # Whether the account was used rightly from this address lately; told by `wait_seconds`.
        self.is_known = False

    def wait_seconds(self) -> float:
        """How long the next try must wait; 0 when it may come now. One query."""
        with connection.cursor() as cursor:
            cursor.execute(_READ, [list(self._keys.values())])
            rows = {bytes(key): (level, float(age)) for key, level, age in cursor.fetchall()}
        known = rows.get(self._keys[KNOWN])
        self.is_known = known is not None and known[1] < KNOWN_DAYS * 86400
        waits = [0.0]
        for bucket in (PAIR,) if self.is_known else BUCKETS:
            level, age = rows.get(self._keys[bucket.name], (0.0, 0.0))
            over = level - age / bucket.seconds_each - (bucket.capacity - 1)
            waits.append(over * bucket.seconds_each)
        return max(waits)

    def failed(self) -> bool:
        """Count a wrong password; true when this one made the account's own bucket full."""
        filled = (PAIR,) if self.is_known else BUCKETS
        keys = [self._keys[bucket.name] for bucket in filled]
        seconds = [bucket.seconds_each for bucket in filled]
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [keys, seconds, keys, seconds])
            levels = {bytes(key): level for key, level in cursor.fetchall()}
        return bool(levels.get(self._keys[ACCOUNT.name], 0.0) > ACCOUNT.capacity - 1)

    def succeeded(self) -> None:
        """Remember that the account is used from here. Writes once a day."""
        with connection.cursor() as cursor:
            cursor.execute(_KNOW, [self._keys[KNOWN]])


def too_many(seconds: float) -> Refusal:
    """What somebody is told who must wait."""
    return Refusal(
        Kind.TOO_MANY_REQUESTS,
        "auth.throttled",
        "Too many wrong passwords were sent for this account or from this address.",
        f"Try again in {max(1, round(seconds))} s. A client with an API token is not held up.",
        retry_after=max(1, round(seconds)),
    )


def forget_old() -> int:
    """Remove what no longer counts; housekeeping. Returns the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM deposit_loginfailures WHERE at < now() - CASE WHEN level = 0 "
            "THEN make_interval(days => %s) ELSE interval '1 day' END",
            [KNOWN_DAYS],
        )
        return int(cursor.rowcount)
