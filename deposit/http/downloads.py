"""Handing bytes out: whole or a range of them (RFC 9110 section 14), never rendered or sniffed in our origin."""

import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Self
from urllib.parse import quote

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from zipstream import ZIP_STORED, ZipStream

from deposit.http.text import sendable_iri, sendable_type
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part
from deposit.refusals import Kind, Refusal
from deposit.staging.storage import chunks_of, exists, staging

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
SAFE = "sandbox; default-src 'none'; frame-ancestors 'none'"


def guarded(response: HttpResponseBase, name: str | bytes, *, attachment: bool = True) -> HttpResponseBase:
    """Nothing that was deposited runs in our origin; the browser keeps it under its name."""
    disposition = "attachment" if attachment else "inline"
    response["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(name, safe='')}"
    response["Content-Security-Policy"] = SAFE
    response["X-Content-Type-Options"] = "nosniff"
    return response


def ranged(
    request: HttpRequest,
    *,
    length: int,
    open_range: Callable[[int, int], Iterator[bytes]],
    etag: str,
    content_type: str = "application/octet-stream",
) -> HttpResponseBase:
    """Bytes of known ``length`` as a whole, as the one range that is asked for (206), or nothing (304, 416).

    ``open_range(start, stop)`` gives the bytes from ``start`` up to ``stop``, exclusive; ``etag`` has no quotes.
    """
    tag = f'"{etag}"'
    if matches(request, tag):
        return HttpResponse(status=304, headers={"ETag": tag})
    asked = _asked(request.headers.get("Range", ""), length)
    if asked and request.headers.get("If-Range", tag) != tag:
        asked = None
    start, stop = asked or (0, length)
    if asked and start >= stop:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{length}"})
    chunks = iter(()) if request.method == "HEAD" else Begun(open_range(start, stop))
    response = StreamingHttpResponse(chunks, status=206 if asked else 200, content_type=content_type)
    response["Content-Length"] = str(stop - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = tag
    if asked:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    return response


class Begun:
    """The same chunks; the first is made at once, so that what cannot be read is told with a status of its own."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._first = [next(chunks, b"")]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return self._first.pop() if self._first else next(self._chunks)

    def close(self) -> None:
        """Free what reading needs, also when a client goes away early."""
        if isinstance(self._chunks, Generator):
            self._chunks.close()


def matches(request: HttpRequest, tag: str) -> bool:
    """Whether the client has what this entity tag stands for already (RFC 9110 section 13.1.2)."""
    return tag in [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]


def _asked(header: str, length: int) -> tuple[int, int] | None:
    """The range that is asked for, as (start, stop); None for all. Several ranges are answered with all."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if not found:
        return None
    if found[2] and int(found[2]) < int(found[1]):
        return None  # RFC 9110 section 14.1.1: as if nothing had been asked
    if found[3]:
        return max(0, length - int(found[3])), length
    stop = min(length, int(found[2]) + 1) if found[2] else length
    return int(found[1]), stop


def name_of_package(part: Part) -> str:
    """The name of a package's staged file, as it was sent. Raises a 404 `Refusal` when it is no longer kept."""
    if part.stored_as is None or not exists(part.stored_as):
        raise Refusal(
            Kind.NOT_FOUND,
            "deposit.package_removed",
            "The bytes of this package are no longer kept here.",
            "The content of a deposit that is done is available from the archive.",
        )
    return part.stored_as


def file_response(request: HttpRequest, part: Part) -> HttpResponseBase:
    """A package's bytes, under the name and the type that the client gave."""
    name = name_of_package(part)
    response = ranged(
        request,
        length=part.size,
        open_range=partial(chunks_of, name),
        etag=part.sha256,
        content_type=sendable_type(part.content_type),
    )
    response["Packaging"] = sendable_iri(part.packaging) or Packaging.SIMPLE_ZIP
    return guarded(response, part.name)


def whole_package(part: Part) -> HttpResponseBase:
    """A package's bytes as a file to keep: sent by the kernel where they lie in a file of this machine."""
    name = name_of_package(part)
    path, kind = staging().path(name), "application/octet-stream"
    if path is not None:
        return FileResponse(path.open("rb"), as_attachment=True, filename=part.name, content_type=kind)
    response = StreamingHttpResponse(Begun(chunks_of(name, 0, part.size)), content_type=kind)
    response["Content-Length"] = str(part.size)
    header = content_disposition_header(as_attachment=True, filename=part.name)
    response["Content-Disposition"] = header or "attachment"
    return response


def zip_response(deposit: Deposit, parts: list[Part]) -> HttpResponseBase:
    """All packages in one zip, streamed; names that come twice are numbered."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    seen: set[str] = set()
    for part in parts:
        name = part.name if part.name not in seen else f"{part.pk}-{part.name}"
        seen.add(name)
        add_staged(archive, name_of_package(part), name, part.size)
    length = len(archive)
    response = StreamingHttpResponse(_chunks(archive), content_type="application/zip")
    response["Content-Length"] = str(length)
    response["Packaging"] = Packaging.SIMPLE_ZIP
    return guarded(response, f"deposit-{deposit.pk}.zip")


def add_staged(archive: ZipStream, stored_as: str, name: str, size: int) -> None:
    """Put a staged file of ``size`` bytes into a zip that is streamed."""
    path = staging().path(stored_as)
    if path is not None:
        archive.add_path(path, name)
    else:
        archive.add(chunks_of(stored_as, 0, size), name, size=size)


def _chunks(archive: ZipStream) -> Iterator[bytes]:
    yield from archive
