"""A browser's upload form, streamed: fields first, then the package straight into the staging area, hashed on its way.

Django's own form parser takes a body that was cut short for a whole one, and writes every file twice.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import parse_header_parameters

from deposit.http.body import Body
from deposit.http.header_limits import has_many_parameters, too_long
from deposit.http.headers import MediaType, parse_filename, parse_media_type
from deposit.http.multipart import PartHeaders, Sink, read_parts
from deposit.intake.admission import admit
from deposit.intake.limits import metadata_too_large
from deposit.models import Client
from deposit.refusals import Kind, Refusal
from deposit.services.parts import Package
from deposit.staging.interface import Incoming
from deposit.staging.storage import staging_file

# A form field (the metadata file among them) is kept in memory.
_FIELDS = 200


@dataclass(slots=True)
class UploadForm:
    """What the browser sent. ``fields`` are texts; ``metadata`` is a document; ``package`` is staged."""

    fields: QueryDict
    metadata: bytes = b""
    package: Package | None = None


@dataclass(slots=True)
class _Parts:
    files: ExitStack
    client: Client
    length: int
    texts: list[tuple[str, list[bytes]]] = field(default_factory=list)
    size: int = 0
    file: Incoming | None = None
    name: str = ""

    def open(self, media_type: MediaType, headers: PartHeaders) -> Sink:
        """The sink of a part, by the name of its form field."""
        disposition = headers.get("content-disposition", "")
        if has_many_parameters(disposition):
            raise too_long("HTTP_CONTENT_DISPOSITION")
        name = parse_header_parameters(disposition)[1].get("name", "")
        if name == "package":
            return self._open_package(disposition)
        if len(self.texts) >= _FIELDS:
            raise Refusal(Kind.BAD_REQUEST, "form.fields", "The form has too many fields.")
        self.texts.append((name, []))
        return partial(self._take, self.texts[-1][1])

    def _open_package(self, disposition: str) -> Sink:
        if 'filename=""' in disposition:
            return lambda data: None
        if self.file is not None:
            raise Refusal(
                Kind.BAD_REQUEST,
                "form.one_package",
                "The form takes one package at a time.",
                "Put everything into one zip or tar file.",
            )
        # Not for a form that only names an upload: that one was admitted when it began.
        admit(self.client, self.length)
        # No connection is held while the bytes arrive.
        if not connection.in_atomic_block:
            connection.close()
        self.name = parse_filename(disposition) or ""
        self.file = self.files.enter_context(
            staging_file(limit=settings.MAX_UPLOAD_SIZE, client=self.client.pk, promised=self.length)
        )
        return self.file.write

    def _take(self, pieces: list[bytes], data: bytes) -> None:
        self.size += len(data)
        if self.size > settings.MAX_METADATA_SIZE:
            raise metadata_too_large(settings.MAX_METADATA_SIZE)
        pieces.append(data)


@contextmanager
def received(request: HttpRequest, client: Client) -> Iterator[UploadForm]:
    """Take a form in. Its package stays when the block ends well, and is removed when the block refuses it.

    Raises `Refusal`, also for a form that another site made the browser send.
    """
    kind = parse_media_type(request.META.get("CONTENT_TYPE"))
    if kind is None or kind.type != "multipart/form-data":
        raise Refusal(Kind.CONTENT, "form.type", "This is not a form.", "Use the form on the upload page.")
    told = request.META.get("CONTENT_LENGTH") or ""
    length = int(told) if told.isascii() and told.isdigit() else 0
    with ExitStack() as files:
        parts = _Parts(files, client, length)
        read_parts(Body(request.META, length).chunks(), kind, parts.open, most=_FIELDS + 1)
        form = UploadForm(fields=QueryDict(mutable=True))
        for name, pieces in parts.texts:
            _keep(form, name, b"".join(pieces))
        require_own_form(request, form.fields)
        if parts.file is not None:
            form.package = Package(
                staged=parts.file.finish(), name=parts.name, content_type=type_of(parts.name)
            )
        yield form


def _keep(form: UploadForm, name: str, value: bytes) -> None:
    if name == "metadata":
        form.metadata = value
    else:
        form.fields.appendlist(name, value.decode("utf-8", "replace"))


def type_of(name: str) -> str:
    """The media type by which the checks know how to open it; everything that is not a zip is tried as a tar."""
    return "application/zip" if name.lower().endswith(".zip") else "application/x-tar"


def require_own_form(request: HttpRequest, fields: QueryDict) -> None:
    """Django's check against forged forms, on fields that were parsed here. Raises `Refusal`."""

    def never(request: HttpRequest) -> HttpResponseBase:
        raise AssertionError

    request._post = fields  # type: ignore[attr-defined]
    request._files = {}  # type: ignore[attr-defined]
    checked = CsrfViewMiddleware(never)
    checked.process_request(request)
    if checked.process_view(request, never, (), {}) is not None:
        raise Refusal(
            Kind.FORBIDDEN,
            "form.forged",
            "The form is not from this session.",
            "Load the upload page again (cookies must be on) and send the form once more.",
        )
