"""A short memory of passwords that fitted, so that not every request costs a slow hash.

See docs/explanation/accounts-and-access.md.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict


class CredentialCache:
    """Remembers that a secret was found good against something, at most ``size`` of them, in this process only.

    ``knows`` is true for ``seconds``. ``knew`` is true for ``stale_seconds``: long enough that somebody who was in
    stays in while others hammer at the account.
    """

    def __init__(
        self, *, seconds: float = 300.0, stale_seconds: float = 12 * 3600.0, size: int = 10_000
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._seconds = seconds
        self._stale_seconds = stale_seconds
        self._size = size
        self._learned: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def digest(self, secret: str, against: str) -> bytes:
        """What stands for the pair in this process."""
        message = f"{len(against)}:{against}{secret}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)

    def _age(self, secret: str, against: str) -> float:
        digest = self.digest(secret, against)
        with self._lock:
            return time.monotonic() - self._learned.get(digest, float("-inf"))

    def knows(self, secret: str, against: str) -> bool:
        """Whether this secret was found good a short while ago."""
        return self._age(secret, against) < self._seconds

    def knew(self, secret: str, against: str) -> bool:
        """Whether this secret was found good some hours ago at most."""
        return self._age(secret, against) < self._stale_seconds

    def learn(self, secret: str, against: str) -> None:
        """Remember a confirmation; the oldest ones make room."""
        digest = self.digest(secret, against)
        with self._lock:
            self._learned[digest] = time.monotonic()
            self._learned.move_to_end(digest)
            while len(self._learned) > self._size:
                self._learned.popitem(last=False)

    def forget_all(self) -> None:
        """Start anew."""
        with self._lock:
            self._learned.clear()
