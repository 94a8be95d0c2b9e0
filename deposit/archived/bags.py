"""A deposit as a BagIt bag (RFC 8493), streamed: what was sent, what was found, and its history as PREMIS.

The digests of the payload were taken when it came in, so a bag of any size is made in one pass.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from zipstream import ZIP_STORED, ZipStream

from archive.objects import FILE
from archive.tar import BLOCK, header
from deposit import __version__
from deposit.archived.premis import premis
from deposit.http.downloads import add_staged, name_of_package
from deposit.models import Deposit, Event, Finding, Part, PartKind
from deposit.staging.storage import chunks_of

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_UNSAFE = re.compile(r"[^\w.+-]")
_LONGEST = 200


class Member(NamedTuple):
    """A file of the bag: its bytes, or the name of the staged file that has them, and how many."""

    name: str
    data: bytes | str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes."""
        if isinstance(self.data, bytes):
            yield self.data
            return
        yield from chunks_of(self.data, 0, self.size)


def bag(deposit: Deposit) -> list[Member]:
    """The files of a deposit's bag; packages are not read yet. Raises a 404 `Refusal` if one is no longer kept."""
    parts = list(Part.objects.filter(deposit=deposit).exclude(kind=PartKind.PENDING).order_by("id"))
    payload = {part: _payload(part) for part in parts}
    tags = [
        _tag("bagit.txt", _DECLARATION),
        _tag("bag-info.txt", _bag_info(deposit, parts)),
        _tag(
            "manifest-sha256.txt",
            "".join(f"{part.sha256}  {one.name}\n" for part, one in payload.items()).encode(),
        ),
        _tag("findings.json", _findings(deposit)),
        _tag("premis.xml", premis(deposit, parts, Event.objects.filter(deposit=deposit).order_by("id"))),
    ]
    manifest = "".join(
        f"{hashlib.sha256(b''.join(one.chunks())).hexdigest()}  {one.name}\n" for one in tags
    ).encode()
    top = f"deposit-{deposit.pk}/"
    members = [*tags, _tag("tagmanifest-sha256.txt", manifest), *payload.values()]
    return [one._replace(name=top + one.name) for one in members]


def payload(deposit: Deposit) -> list[Member]:
    """The packages and documents of a deposit as they were sent. Raises a 404 `Refusal` if one is no longer kept."""
    return [_payload(part) for part in Part.objects.filter(deposit=deposit).exclude(kind=PartKind.PENDING)]


def as_zip(members: list[Member]) -> tuple[int, Iterator[bytes]]:
    """The bag as a zip: its length in bytes, and its chunks."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    for member in members:
        if isinstance(member.data, bytes):
            archive.add(member.data, member.name)
        else:
            add_staged(archive, member.data, member.name, member.size)
    return len(archive), iter(archive)


def as_tar(members: list[Member]) -> tuple[int, Iterator[bytes]]:
    """The bag as a tar: its length in bytes, and its chunks."""
    heads = [header(one.name.encode(), one.size, FILE) for one in members]
    length = sum(map(len, heads)) + sum(one.size + -one.size % BLOCK for one in members) + 2 * BLOCK
    return length, _tar(members, heads)


def _tar(members: list[Member], heads: list[bytes]) -> Iterator[bytes]:
    for member, head in zip(members, heads, strict=True):
        yield head
        yield from member.chunks()
        yield bytes(-member.size % BLOCK)
    yield bytes(2 * BLOCK)


def _payload(part: Part) -> Member:
    if part.kind == PartKind.METADATA:
        document = bytes(part.document or b"")
        return Member(f"data/metadata/{part.pk}.xml", document, len(document))
    return Member(f"data/packages/{part.pk}/{_portable(part.name)}", name_of_package(part), part.size)


def _portable(name: str) -> str:
    """A name that every file system takes and no manifest misreads; premis.xml tells the original one."""
    safe = _UNSAFE.sub("_", name).strip(".") or "package"
    return safe.encode()[-_LONGEST:].decode(errors="ignore")


def _tag(name: str, data: bytes) -> Member:
    return Member(name, data, len(data))


def _bag_info(deposit: Deposit, parts: list[Part]) -> bytes:
    fields = {
        "Source-Organization": deposit.client.user.get_username(),
        "External-Identifier": deposit.swhid_context or deposit.swhid,
        "Internal-Sender-Identifier": deposit.external_id,
        "External-Description": deposit.title,
        "Bagging-Date": datetime.now(UTC).date().isoformat(),
        "Payload-Oxum": f"{sum(part.size for part in parts)}.{len(parts)}",
        "Bag-Software-Agent": f"deposit-server {__version__}",
    }
    return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in fields.items() if value).encode()


def _findings(deposit: Deposit) -> bytes:
    fields = ("area", "code", "severity", "subject", "message")
    found = list(Finding.objects.filter(deposit=deposit).order_by("id").values(*fields))
    return json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"
