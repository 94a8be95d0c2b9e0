"""From a request's body to staged packages and a read entry; what a refused request sent is removed again."""

import hmac
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from deposit.http.body import Body
from deposit.http.headers import MediaType, bad_request, parse_filename
from deposit.http.multipart import PartHeaders, Sink, read_parts
from deposit.http.upload import let_in, package_file
from deposit.intake.limits import metadata_too_large
from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.media_types import ANNOUNCED_TYPES, may_be_package
from deposit.metadata.origins import decode_slug
from deposit.metadata.packaging import Packaging
from deposit.models import Client
from deposit.refusals import Kind, Refusal
from deposit.services import by_reference
from deposit.services.parts import Package, Submission
from deposit.staging.files import ComparedFile, too_large
from deposit.staging.interface import Incoming
from deposit.sword.headers import (
    ENTRY_TYPE,
    Digests,
    Headers,
    read_digests,
)

# What the boundaries and headers of a multipart body may take, in bytes.
_HEADERS = 64 * 1024


def content_error(expected: str) -> Refusal:
    """415: the media type is not one of this IRI's."""
    return Refusal(
        Kind.CONTENT, "media_type.unsupported", "The media type of the body is not supported here.", expected
    )


def check_packaging(packaging: str | None) -> str:
    """Raises `Refusal` for a Packaging that the server does not take (SWORD 2 section 7.2)."""
    if packaging is not None and packaging not in set(Packaging):
        raise Refusal(
            Kind.CONTENT,
            "packaging.unsupported",
            f"The packaging {packaging} is not supported.",
            f"Packaging format supported is restricted to {', '.join(Packaging)}.",
        )
    return packaging or ""


def _is_package(kind: MediaType, packaging: str | None) -> bool:
    """What may be an archive; or anything at all that is to be kept as it is."""
    if may_be_package(kind.type):
        return True
    return (
        packaging == Packaging.BINARY and kind.type != ENTRY_TYPE and not kind.type.startswith("multipart/")
    )


def _is_entry(kind: MediaType) -> bool:
    """An Atom entry. Raises `Refusal` for another Atom document (RFC 5023 section 12.1)."""
    if kind.type != ENTRY_TYPE:
        return False
    document = kind.parameters.get("type", "entry").strip().lower()
    if document != "entry":
        raise content_error(
            f"An Atom entry is wanted here, not a {document[:30]}: send {ENTRY_TYPE};type=entry."
        )
    return True


@contextmanager
def receive(
    body: Body, headers: Headers, *, client: Client, entries: bool = True, binaries: bool = True
) -> Iterator[Submission]:
    """Take a whole body in from a client: one package, one entry, or a multipart of both.

    ``entries``: this IRI takes entries and multiparts; ``binaries``: it takes bare packages.
    Yields the `Submission`; its files stay when the block ends well and are removed when it is refused.
    Raises `Refusal` for everything a client can mend.
    """
    kind = headers.media_type
    if body.is_empty:
        raise empty_body() if kind and kind.type == ENTRY_TYPE else empty_package()
    with ExitStack() as files:
        if kind is None:
            raise content_error("The Content-Type header is missing.")
        if binaries and _is_package(kind, headers.packaging):
            submission = Submission(package=_receive_package(body, headers, kind, files, client))
        elif entries and _is_entry(kind):
            submission = Submission(entry=_receive_entry(body))
        elif entries and kind.type.startswith("multipart/"):
            submission = _receive_multipart(body, headers, kind, files, client)
        else:
            raise content_error(_expected(entries=entries, binaries=binaries))
        submission = replace(
            submission, name_encoding=headers.name_encoding, confirm_warnings=headers.confirm_warnings
        )
        if submission.entry and submission.entry.files:
            submission = replace(submission, files=by_reference.linked(submission.entry))
        yield submission


def _expected(*, entries: bool, binaries: bool) -> str:
    kinds = [*(ANNOUNCED_TYPES if binaries else ())]
    if entries:
        kinds += [f"{ENTRY_TYPE};type=entry", "multipart/form-data or multipart/related with one of each"]
    return f"Send one of: {', '.join(kinds)}."


def slug_of(headers: Headers) -> str | None:
    """The decoded Slug header; None when absent or blank. Raises `Refusal`."""
    return decode_slug(headers.slug) or None if headers.slug else None


def _receive_package(
    body: Body, headers: Headers, kind: MediaType, files: ExitStack, client: Client
) -> Package:
    if headers.filename is None:
        raise bad_request(
            "header.content_disposition",
            "CONTENT_DISPOSITION header is mandatory",
            "Send for example Content-Disposition: attachment; filename=package.zip",
        )
    packaging = check_packaging(headers.packaging)
    if body.length is not None and body.length > body.sizes.upload:
        raise too_large(body.sizes.upload)
    let_in(body, client)
    file = files.enter_context(package_file(body, client, with_md5=headers.digests.md5 is not None))
    for chunk in body.chunks():
        file.write(chunk)
    return _finish(file, name=headers.filename, kind=kind, packaging=packaging, digests=headers.digests)


def _receive_entry(body: Body) -> Entry:
    limit = body.sizes.metadata
    return _read(body.read(limit), limit)


def _read(document: bytes, limit: int) -> Entry:
    entry = read_entry(document, max_size=limit)
    if entry.is_empty:
        raise empty_body()
    return entry


def empty_body() -> Refusal:
    """No body, or an entry that says nothing."""
    return bad_request(
        "metadata.empty",
        "Empty body request is not supported.",
        "Atom entry deposit is supposed to send for metadata. If the body is empty, there is no metadata.",
    )


def empty_package() -> Refusal:
    """No bytes where a package was announced."""
    return bad_request(
        "body.empty", "CONTENT_LENGTH header is mandatory", "The package is empty: send its bytes."
    )


@dataclass(slots=True)
class _Parts:
    """The two parts of a multipart body as they come."""

    file: Incoming | ComparedFile | None = None
    kind: MediaType | None = None
    headers: PartHeaders = field(default_factory=dict)
    entry: list[bytes] | None = None
    entry_size: int = 0
    types: list[str] = field(default_factory=list)


def _receive_multipart(
    body: Body, headers: Headers, kind: MediaType, files: ExitStack, client: Client
) -> Submission:
    check_packaging(headers.packaging)
    if body.length is not None and body.length > body.sizes.upload + body.sizes.metadata + _HEADERS:
        raise too_large(body.sizes.upload)
    let_in(body, client)
    parts = _Parts()

    def open_part(part_kind: MediaType, part_headers: PartHeaders) -> Sink:
        parts.types.append(part_kind.type)
        is_entry = _is_entry(part_kind)
        is_package = _is_package(part_kind, part_headers.get("packaging") or headers.packaging)
        if is_entry and parts.entry is None:
            parts.entry = []
            return take_entry
        if is_package and parts.file is None:
            with_md5 = bool(headers.digests.md5 or part_headers.get("content-md5"))
            parts.file = files.enter_context(package_file(body, client, with_md5=with_md5))
            parts.kind, parts.headers = part_kind, part_headers
            return parts.file.write
        if is_entry or is_package:
            raise _wrong_parts()
        return lambda data: None

    def take_entry(data: bytes) -> None:
        assert parts.entry is not None
        parts.entry_size += len(data)
        if parts.entry_size > body.sizes.metadata:
            raise metadata_too_large(body.sizes.metadata)
        parts.entry.append(data)

    read_parts(body.chunks(), kind, open_part, most=2)
    return _assemble(parts, headers, body.sizes.metadata)


def _assemble(parts: _Parts, headers: Headers, limit: int) -> Submission:
    if len(parts.types) != 2:
        raise _wrong_parts()
    if parts.file is None or parts.kind is None or parts.entry is None:
        missing = "an archive" if parts.file is None else "an Atom entry"
        raise bad_request("multipart.part_missing", f"The multipart body lacks {missing}.", _WANTED_PARTS)
    entry = _read(b"".join(parts.entry), limit)
    name = parse_filename(parts.headers.get("content-disposition"))
    packaging = check_packaging(parts.headers.get("packaging") or headers.packaging)
    if parts.file.size == 0:
        raise empty_package()
    of_part = read_digests(content_md5=parts.headers.get("content-md5"), digest=None, fields=[])
    digests = Digests(md5=of_part.md5 or headers.digests.md5, sha256=headers.digests.sha256)
    package = _finish(
        parts.file, name=name or "archive", kind=parts.kind, packaging=packaging, digests=digests
    )
    return Submission(package=package, entry=entry)


_WANTED_PARTS = (
    f"You must provide both an archive (application/zip, application/x-tar or another of its types) and an Atom entry "
    f"({ENTRY_TYPE};type=entry) as the two parts of a multipart deposit, each exactly once."
)


def _wrong_parts() -> Refusal:
    return content_error(_WANTED_PARTS)


def _finish(
    file: Incoming | ComparedFile, *, name: str, kind: MediaType, packaging: str, digests: Digests
) -> Package:
    staged = file.finish()
    for told, got in ((digests.md5, staged.md5), (digests.sha256, staged.sha256)):
        if told is not None and not hmac.compare_digest(told, got or ""):
            raise Refusal(
                Kind.CHECKSUM_MISMATCH,
                "upload.checksum_mismatch",
                "Wrong md5 hash" if told is digests.md5 else "Wrong sha-256 digest",
                f"The checksum sent {told} and the actual checksum {got} does not match.",
            )
    return Package(staged=staged, name=name, content_type=kind.type, packaging=packaging)
