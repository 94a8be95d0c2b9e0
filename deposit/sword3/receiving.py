"""From a SWORD 3 request's body to staged packages and read metadata; what a refused request sent is removed again."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

from deposit.http.body import Body
from deposit.http.headers import bad_request
from deposit.http.text import is_media_type, read_json
from deposit.http.upload import let_in, package_file
from deposit.metadata import sword as sword_metadata
from deposit.metadata.entry import Entry, read_entry
from deposit.models import Client
from deposit.refusals import Kind, Refusal
from deposit.services import by_reference
from deposit.services.parts import Package, RemoteFile, Submission, Uploaded
from deposit.staging.files import too_large
from deposit.sword3.headers import (
    Content,
    Sword3Headers,
    filename_of,
    read_digests,
    read_packaging,
)
from deposit.sword3.terms import METADATA_ATOM, METADATA_SWORD

MAX_FILES = 1000
_XML_TYPES = ("application/atom+xml", "application/xml", "text/xml")

# Makes the metadata that a request brings one with what the deposit has: (new fields or entry) -> entry.
Extend = Callable[[dict[str, Any] | Entry], Entry]


def new_metadata(brought: dict[str, Any] | Entry) -> Entry:
    """Metadata on their own, replacing whatever was there."""
    return brought if isinstance(brought, Entry) else sword_metadata.entry_of(brought)


def extending(entry: Entry | None) -> Extend:
    """Metadata as an extension of what there is: nothing is overwritten or removed."""

    def extend(brought: dict[str, Any] | Entry) -> Entry:
        if entry is None:
            return new_metadata(brought)
        if isinstance(brought, Entry):
            return sword_metadata.merged(entry, brought)
        return sword_metadata.extended(entry, brought)

    return extend


@contextmanager
def receive(
    body: Body,
    headers: Sword3Headers,
    *,
    client: Client,
    takes: tuple[Content, ...],
    metadata: Extend = new_metadata,
) -> Iterator[Submission]:
    """Take a whole body in from a client. ``takes``: what this URL knows to do something with.

    Yields the `Submission`; its files stay when the block ends well and are removed when it is refused.
    Raises `Refusal`.
    """
    if headers.content not in takes:
        raise bad_request(
            "sword3.content",
            f"This address does not take {headers.content}.",
            f"It takes {', '.join(takes)}; the Content-Disposition says what a body is.",
        )
    if headers.content is Content.EMPTY:
        yield Submission()
        return
    if headers.sha256 is None:
        raise bad_request(
            "sword3.digest_missing",
            "The Digest header has no SHA-256.",
            "Send Digest: SHA-256=<the digest of the body in base64>.",
        )
    if headers.media_type is None:
        raise bad_request("sword3.content_type", "The Content-Type header is missing.")
    if headers.content is Content.BINARY:
        with _package(body, headers, client) as package:
            yield _as_announced(Submission(package=package), headers)
    else:
        yield _as_announced(_document(body, headers, metadata), headers)


def _as_announced(submission: Submission, headers: Sword3Headers) -> Submission:
    return replace(submission, name_encoding=headers.name_encoding, confirm_warnings=headers.confirm_warnings)


@contextmanager
def _package(body: Body, headers: Sword3Headers, client: Client) -> Iterator[Package]:
    assert headers.disposition is not None
    assert headers.media_type is not None
    name = filename_of(headers.disposition.text)
    if body.length is not None and body.length > body.sizes.upload:
        raise too_large(body.sizes.upload)
    let_in(body, client)
    with package_file(body, client, with_md5=headers.md5 is not None) as file:
        for chunk in body.chunks():
            file.write(chunk)
        staged = file.finish()
        require_digest(headers, sha256=staged.sha256, md5=staged.md5)
        yield Package(
            staged=staged, name=name, content_type=headers.media_type.type[:200], packaging=headers.packaging
        )


def require_digest(headers: Sword3Headers, *, sha256: str, md5: str | None = None) -> None:
    """Raise `Refusal` unless the bytes are those that the client announced."""
    for name, told, got in (("SHA-256", headers.sha256, sha256), ("MD5", headers.md5, md5)):
        if told is not None and got is not None and not hmac.compare_digest(told, got):
            raise Refusal(
                Kind.CHECKSUM_MISMATCH,
                "upload.checksum_mismatch",
                f"The {name} of what arrived is {got}, not the announced {told}.",
                "Nothing was kept; send it again.",
            )


def _document(body: Body, headers: Sword3Headers, metadata: Extend) -> Submission:
    data = body.read(body.sizes.metadata)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    require_digest(headers, sha256=hashlib.sha256(data).hexdigest(), md5=md5)
    if headers.content is Content.METADATA:
        return Submission(entry=_metadata(data, headers, metadata))
    document = _json(data, headers)
    if headers.content is Content.BY_REFERENCE:
        return Submission(files=read_by_reference(document))
    _require_format(headers, METADATA_SWORD)
    fields = sword_metadata.read_fields(document.get("metadata"))
    return Submission(entry=metadata(fields), files=read_by_reference(document.get("by-reference")))


def _require_format(headers: Sword3Headers, *formats: str) -> None:
    if headers.metadata_format not in formats:
        raise Refusal(
            Kind.CONTENT,
            "sword3.metadata_format",
            f"The metadata format {headers.metadata_format} is not supported here."[:500],
            f"Supported: {', '.join(formats)}.",
        )


def _metadata(data: bytes, headers: Sword3Headers, metadata: Extend) -> Entry:
    _require_format(headers, METADATA_SWORD, METADATA_ATOM)
    if headers.metadata_format == METADATA_SWORD:
        return metadata(sword_metadata.read_fields(_json(data, headers)))
    assert headers.media_type is not None
    if headers.media_type.type not in _XML_TYPES:
        _refuse_type(headers, f"An Atom entry comes as {_XML_TYPES[0]}.")
    entry = read_entry(data)
    if entry.is_empty:
        raise bad_request("sword3.malformed", "The Atom entry says nothing.")
    return metadata(entry)


def _refuse_type(headers: Sword3Headers, hint: str) -> NoReturn:
    kind = headers.media_type.type if headers.media_type else ""
    summary = f"The content type {kind} is not supported here."[:300]
    raise Refusal(Kind.CONTENT, "media_type.unsupported", summary, hint)


def _json(data: bytes, headers: Sword3Headers) -> dict[str, Any]:
    assert headers.media_type is not None
    if headers.media_type.type not in ("application/json", "application/ld+json"):
        if headers.media_type.type in _XML_TYPES:
            raise Refusal(
                Kind.CONTENT,
                "sword3.format_mismatch",
                "The Content-Type says XML, but the metadata format is that of SWORD, which is JSON.",
                f"Send an Atom entry with Metadata-Format: {METADATA_ATOM}",
            )
        _refuse_type(headers, "Documents come as application/json.")
    try:
        document = read_json(data)
    except ValueError as error:
        raise bad_request("sword3.malformed", "The body is not a JSON document.", str(error)[:300]) from None
    if not isinstance(document, dict):
        raise bad_request("sword3.malformed", "The body is not a JSON object.")
    return document


def read_by_reference(document: object) -> tuple[Uploaded | RemoteFile, ...]:
    """The files of a By-Reference document. Raises `Refusal`."""
    files = document.get("byReferenceFiles") if isinstance(document, dict) else None
    if not isinstance(files, list) or not 1 <= len(files) <= MAX_FILES:
        raise bad_request(
            "sword3.by_reference",
            f"A By-Reference document has byReferenceFiles, a list of 1 to {MAX_FILES} files.",
        )
    return tuple(_file(file, number) for number, file in enumerate(files, 1))


def _file(file: object, number: int) -> Uploaded | RemoteFile:
    fields = file if isinstance(file, dict) else {}
    url, kind, disposition = (_text(fields, name) for name in ("@id", "contentType", "contentDisposition"))
    if not url or not is_media_type(kind) or not disposition:
        raise bad_request(
            "sword3.by_reference",
            f"File {number} of the By-Reference document lacks @id, contentType or contentDisposition, or they are "
            "none.",
        )
    name = filename_of(disposition)
    packaging = read_packaging(_text(fields, "packaging"))
    sha256 = read_digests(_text(fields, "digest")).get("sha-256")
    upload_id = by_reference.upload_id_of(url)
    if upload_id:
        return Uploaded(
            upload_id=upload_id, name=name, content_type=kind[:200], packaging=packaging, sha256=sha256
        )
    size = fields.get("contentLength", 0)
    if sha256 is None or not isinstance(size, int) or size < 0:
        raise bad_request(
            "sword3.by_reference",
            f"File {number} of the By-Reference document has no SHA-256 digest, or no usable contentLength.",
        )
    by_reference.require_allowed(url, size)
    return RemoteFile(
        url=url[:2000], name=name, content_type=kind[:200], packaging=packaging, sha256=sha256, size=size
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
