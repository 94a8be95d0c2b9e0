"""Archived contents and directories as answers: streamed, in ranges or forms, never rendered in our origin."""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from archive.identifiers import SWHID
from archive.retrieval import open_content
from archive.tar import stream_tar, stream_tar_gz
from archive.zip import stream_zip
from deposit.archived.negotiation import TYPES
from deposit.http.downloads import Begun, guarded, matches, ranged

FOLDERS: dict[str, Callable[..., Iterator[bytes]]] = {
    "tar": stream_tar,
    "tar.gz": stream_tar_gz,
    "zip": stream_zip,
}


def content_response(
    request: HttpRequest, swhid: SWHID, name: bytes, *, length: int, shown_as: str = ""
) -> HttpResponseBase:
    """A content of ``length`` bytes, or a range of it, to keep under ``name``; ``shown_as``: a type to show it as."""
    response = ranged(
        request,
        length=length,
        open_range=lambda start, stop: open_content(swhid, start, stop)[1],
        etag=swhid.hash.hex(),
        content_type=shown_as or "application/octet-stream",
    )
    return guarded(response, name, attachment=not shown_as)


def folder_response(request: HttpRequest, swhid: SWHID, name: bytes, form: str) -> HttpResponseBase:
    """A directory with all below it, in one of the forms of ``FOLDERS``, under ``name`` with the form's ending."""
    # The same bytes every time, so the directory and the form are a strong validator.
    tag = f'"{swhid.hash.hex()}-{form}"'
    if matches(request, tag):
        return HttpResponse(status=304, headers={"ETag": tag, "Vary": "Accept"})
    response = streamed(request, FOLDERS[form](swhid.hash), TYPES[form])
    response["ETag"] = tag
    response["Vary"] = "Accept"
    return guarded(response, name + b"." + form.encode())


def streamed(request: HttpRequest, chunks: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    """The chunks as they are made; none are for HEAD."""
    body = iter(()) if request.method == "HEAD" else Begun(chunks)
    return StreamingHttpResponse(body, content_type=content_type)
