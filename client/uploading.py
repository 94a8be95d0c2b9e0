"""Large files over bad lines: a segmented upload (SWORD 3) that goes on where it stopped.

The server knows which segments it has; so nothing is written down here but the address of the upload, and a line
that breaks, a server that restarts or this program being started again cost no more than the segments under way.
"""

import base64
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from client.addresses import explain
from client.errors import DepositError, NotFoundError, UnavailableError, UsageError, error_for
from client.pauses import GIVE_UP_AFTER, Pauses

CHUNK = 256 * 1024
SEGMENT_SIZE = 64 * 1024 * 1024
SIMPLE_ZIP = "http://purl.org/net/sword/3.0/package/SimpleZip"
# How often a segment is sent before the server is asked what it has.
_TRIES = 3
# Answers after which the same request may work: the server is busy, starting, full for now, or a proxy lost it.
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


class SegmentedUploader:
    """Uploads files to the staging area of one server. ``url`` is its SWORD 3 root, usually ending with ``/3/``.

    ``parallel`` segments are under way at once. ``retries``: how often in a row nothing at all may get through.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str = "",
        password: str = "",
        token: str = "",
        parallel: int = 4,
        segment_size: int = SEGMENT_SIZE,
        timeout: float = 60.0,
        retries: int = 12,
        first_wait: float = 0.25,
        give_up_after: float = GIVE_UP_AFTER,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        self._give_up_after = give_up_after
        # What the server last said to a segment that it did not take.
        self._refused: tuple[DepositError, str | None] | None = None
        self._parallel, self._segment_size = parallel, segment_size
        self._retries, self._first_wait = retries, first_wait
        self._http = httpx.Client(
            auth=None if token else httpx.BasicAuth(username, password),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(timeout, connect=15.0),
            limits=httpx.Limits(max_connections=parallel + 1, max_keepalive_connections=parallel + 1),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def upload(
        self,
        path: Path,
        *,
        resume: str | None = None,
        began: Callable[[str], None] = lambda url: None,
        progress: Callable[[int, int], None] = lambda received, of: None,
    ) -> str:
        """Upload a file; returns the Temporary-URL by which it is deposited. Raises `DepositError`.

        ``resume``: the address of an earlier upload of the same file that ``began`` was told. ``progress`` hears how
        many segments the server has, and of how many.
        """
        file = _File.of(path)
        url = resume if resume and self._expecting(resume, or_none=True) is not None else self._begin(file)
        began(url)
        pauses = self._pauses()
        while expecting := self._expecting(url) or []:
            progress(self._count(file) - len(expecting), self._count(file))
            if self._send_all(url, file, expecting):
                pauses = self._pauses()
                continue
            nothing = UnavailableError("The line is too bad: nothing gets through.", f"Resume {url} later.")
            pauses.take(*(self._refused or (nothing, None)))
            self._refused = None
        progress(self._count(file), self._count(file))
        return url

    def deposit(
        self,
        service_url: str,
        temporary_url: str,
        *,
        name: str,
        media_type: str = "application/zip",
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """Make an object of an upload; returns its Object-URL. ``metadata``: Dublin Core (``dc:title``, ...)."""
        context = "https://swordapp.github.io/swordv3/swordv3.jsonld"
        file = {
            "@id": temporary_url,
            "contentType": media_type,
            "contentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "packaging": SIMPLE_ZIP,
            "dereference": True,
        }
        files = {"@context": context, "@type": "ByReference", "byReferenceFiles": [file]}
        described = {"@context": context, "@type": "Metadata", **(metadata or {})}
        body = json.dumps({"metadata": described, "by-reference": files} if metadata else files).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Disposition": f"attachment; by-reference=true{'; metadata=true' if metadata else ''}",
            "Digest": _digest(hashlib.sha256(body).digest()),
            "Idempotency-Key": hashlib.sha256(temporary_url.encode()).hexdigest(),
        }
        return str(self._ask("POST", service_url, headers, body).headers["Location"])

    # --- Pieces ----------------------------------------------------------------------------------------
    def _count(self, file: "_File") -> int:
        return -(-file.size // self._segment_size)

    def _begin(self, file: "_File") -> str:
        disposition = (
            f"segment-init; size={file.size}; segment_count={self._count(file)}; "
            f"segment_size={self._segment_size}; digest={_digest(file.sha256)}"
        )
        headers = {"Content-Disposition": disposition, "Content-Length": "0"}
        return str(self._ask("POST", self.url + "staging/", headers).headers["Location"])

    def _expecting(self, url: str, *, or_none: bool = False) -> list[int] | None:
        try:
            document = self._ask("GET", url, {}).json()
        except NotFoundError:
            if or_none:
                return None
            raise
        # It was begun with another segment size: its segments are not ours.
        if or_none and document["segmentSize"] != self._segment_size:
            return None
        return list(document["expecting"])

    def _ask(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> httpx.Response:
        """A small request, sent again while that may help; doing it twice does no harm."""
        pauses = self._pauses()
        while True:
            reason: DepositError
            retry_after = None
            try:
                response = self._http.request(method, url, headers=headers, content=body)
                if response.is_success:
                    return response
                reason = _refusal(response)
                if response.status_code not in AGAIN:
                    raise reason
                retry_after = response.headers.get("Retry-After")
            except httpx.TransportError as error:
                reason = explain(error, url)
            pauses.take(reason, retry_after)

    def _send_all(self, url: str, file: "_File", numbers: list[int]) -> int:
        """Send segments, several at once; how many got through. Raises `DepositError` for what will not change."""
        with ThreadPoolExecutor(self._parallel) as pool:
            return sum(pool.map(lambda number: self._send(url, file, number), numbers))

    def _send(self, url: str, file: "_File", number: int) -> bool:
        return any(self._sent(url, file, number) for _ in range(_TRIES))

    def _sent(self, url: str, file: "_File", number: int) -> bool:
        start = (number - 1) * self._segment_size
        size = min(self._segment_size, file.size - start)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"segment; segment_number={number}",
            "Content-Length": str(size),
            "Digest": _digest(_hash(file.path, start, size)),
        }
        try:
            response = self._http.post(url, headers=headers, content=_pieces(file.path, start, size))
        except httpx.TransportError:
            # It may have got through all the same; the next look at the state tells.
            time.sleep(self._first_wait)
            return False
        if response.is_success or _type(response) == "UnexpectedSegment":
            return True
        # A segment that was damaged on its way is sent again, too.
        if response.status_code not in AGAIN and _type(response) not in (
            "DigestMismatch",
            "ContentMalformed",
        ):
            raise _refusal(response)
        self._refused = _refusal(response), response.headers.get("Retry-After")
        time.sleep(self._first_wait * random.uniform(0.5, 1.0))  # noqa: S311
        return False

    def _pauses(self) -> Pauses:
        return Pauses(self._retries, self._first_wait, self._give_up_after)


@dataclass(frozen=True, slots=True)
class _File:
    """What is uploaded: its size in bytes and its digest."""

    path: Path
    size: int
    sha256: bytes

    @classmethod
    def of(cls, path: Path) -> Self:
        try:
            size = path.stat().st_size
            sha256 = _hash(path, 0, size)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        if not size:
            raise UsageError(f"{path} is empty.")
        return cls(path, size, sha256)


def _pieces(path: Path, start: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while size and (chunk := file.read(min(CHUNK, size))):
            size -= len(chunk)
            yield chunk


def _hash(path: Path, start: int, size: int) -> bytes:
    digest = hashlib.sha256()
    for chunk in _pieces(path, start, size):
        digest.update(chunk)
    return digest.digest()


def _digest(raw: bytes) -> str:
    return "SHA-256=" + base64.b64encode(raw).decode()


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _type(response: httpx.Response) -> str:
    return str(_document(response).get("@type", ""))


def _refusal(response: httpx.Response) -> DepositError:
    document = _document(response)
    return error_for(response.status_code, str(document.get("error", "")), str(document.get("log", "")))
