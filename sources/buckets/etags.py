"""Comparing bytes with an ETag, where that is a digest: the MD5 of the whole, or of the MD5s of equal parts."""

import hashlib


class EtagDigest:
    """What the ETag of bytes of this ``size`` should be. ``part_size``: of the first part, 0 where it is not known."""

    def __init__(self, etag: str, size: int, part_size: int) -> None:
        self._etag = etag
        self._digest, _, parts = etag.partition("-")
        count = int(parts) if parts.isdigit() else 0
        # Where parts have different sizes, nothing can be said.
        equal = part_size > 0 and (count - 1) * part_size < size <= count * part_size
        self._is_known = len(self._digest) == 32 and (not parts or equal)
        self._part_size = part_size if parts and equal else 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._parts: list[bytes] = []
        self._in_part = 0

    def update(self, chunk: bytes) -> None:
        """Bytes that came."""
        view = memoryview(chunk)
        while self._part_size and self._in_part + len(view) >= self._part_size:
            rest = self._part_size - self._in_part
            self._md5.update(view[:rest])
            self._parts.append(self._md5.digest())
            self._md5, self._in_part, view = hashlib.md5(usedforsecurity=False), 0, view[rest:]
        self._md5.update(view)
        self._in_part += len(view)

    def matches(self) -> bool:
        """Whether the bytes fit the ETag, as far as it says anything of them."""
        if not self._is_known:
            return True
        if not self._part_size:
            return self._md5.hexdigest() == self._digest
        parts = [*self._parts, *([self._md5.digest()] if self._in_part else [])]
        whole = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
        return f"{whole}-{len(parts)}" == self._etag
