"""What one load has seen lately, in bounded memory."""

from archive.errors import Collision

_GENERATION = 2**16


class ObjectLRU:
    """Remembers at least the last 65,536 objects of a load, with the SHA-256 of contents.

    An older repetition is not noticed here and is written again, which costs space and nothing else: the index keeps
    one of them.
    """

    def __init__(self) -> None:
        self._young: dict[bytes, bytes | None] = {}
        self._old: dict[bytes, bytes | None] = {}

    def is_new(self, identifier: bytes, sha256: bytes | None) -> bool:
        """Whether the object was not seen yet; it is remembered. Raises Collision if it was, with another SHA-256."""
        if identifier in self._young:
            seen = self._young[identifier]
        elif identifier in self._old:
            seen = self._old[identifier]
        else:
            if len(self._young) >= _GENERATION:
                self._old, self._young = self._young, {}
            self._young[identifier] = sha256
            return True
        if seen != sha256:
            raise Collision(
                f"The package holds a SHA-1 collision: two objects have the identifier {identifier.hex()}."
            )
        return False
