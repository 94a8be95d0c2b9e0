"""METS of the national cultural heritage profile, catalogue and specification 1.8.0, written as it is made.

One pass over the files, of which none is remembered: what METS tells of a file in four places (its object, its events,
the list of files, the structure) is written to four files, which are put together at the end. So an object with 10^4
files costs no more memory than one with ten. Every section is linked, as the rules of the service want it.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from lxml import etree

from loader.destinations.preservation_service import premis
from loader.destinations.preservation_service.contents import SipFile
from loader.destinations.preservation_service.description import PremisEvent, SipDescription
from loader.destinations.preservation_service.mix import mix
from loader.destinations.preservation_service.namespaces import (
    CATALOG,
    FI,
    METS,
    MIX_VERSION,
    PREFIXES,
    PREMIS_VERSION,
    PROFILE,
    SPECIFICATION,
    XLINK,
)

_M = f"{{{METS}}}"
_DECLARED = f' xmlns:mets="{METS}"'.encode()
_NSMAP = {"mets": METS, "xlink": XLINK}
_LIDO_VERSIONS = {"lido-v1.1": "1.1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """Who sends, and under which contract (a UUID, with or without ``urn:uuid:``)."""

    organization: str
    id: str

    @property
    def urn(self) -> str:
        """As METS names it."""
        return f"urn:uuid:{self.id.removeprefix('urn:uuid:')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """How many files and events METS tells of."""

    files: int
    events: int


def write_mets(
    target: Path,
    description: SipDescription,
    contract: Contract,
    files: Iterable[SipFile],
    lido: etree._Element,
) -> Written:
    """Write ``mets.xml`` to ``target``; ``lido`` is the object's description.

    ``files`` come folder by folder, as a walk yields them, and are gone through once; what that raises is raised here.
    """
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    with ExitStack() as stack:
        parts = _Parts(*(stack.enter_context(_spool(target.parent)) for _ in range(4)))
        events = _Events(description, parts.events, now)
        structure = _Structure(parts.structure, events)
        count = 0
        for file in files:
            about = events.tell(description.events_of(file.path))
            _write_objects(parts.objects, count, file, description.identifier(file.path), now)
            _append(parts.files, _file(count, file, about))
            structure.add(file.path, count)
            count += 1
        structure.close()
        agent = premis.agent(description.agent, events.agent)
        _append(parts.events, _section("digiprovMD", "agent-0", now, "PREMIS:AGENT", PREMIS_VERSION, agent))
        _put_together(target, description, contract, lido, events, parts, now)
    return Written(files=count, events=events.count)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Files for what is written in several places at once."""

    objects: IO[bytes]
    events: IO[bytes]
    files: IO[bytes]
    structure: IO[bytes]


@contextmanager
def _spool(folder: Path) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile(dir=folder) as file:
        yield file


def _append(part: IO[bytes], element: etree._Element) -> None:
    """Write an element whose namespace METS declares at its root."""
    start, more, rest = etree.tostring(element, encoding="UTF-8", pretty_print=True).partition(b">")
    part.write(start.replace(_DECLARED, b"", 1) + more + rest)


def _put_together(
    target: Path,
    description: SipDescription,
    contract: Contract,
    lido: etree._Element,
    events: "_Events",
    parts: _Parts,
    now: str,
) -> None:
    attributes = {
        "PROFILE": PROFILE,
        "OBJID": description.object_id,
        f"{{{FI}}}CONTENTID": description.content_id,
        f"{{{FI}}}CATALOG": CATALOG,
        f"{{{FI}}}SPECIFICATION": SPECIFICATION,
        f"{{{FI}}}CONTRACTID": contract.urn,
    }
    whole = {"TYPE": "directory", "DMDID": "dmd-lido", "ADMID": " ".join([*events.of_whole, "agent-0"])}
    described = _section("dmdSec", "dmd-lido", now, "LIDO", _lido_version(lido), lido)
    with target.open("wb") as raw, etree.xmlfile(raw, encoding="UTF-8") as out:
        out.write_declaration()
        with out.element(_M + "mets", attributes, nsmap=PREFIXES):
            out.write(_header(description, contract), pretty_print=True)
            out.write(described, pretty_print=True)
            with out.element(_M + "amdSec"):
                _insert(raw, out, parts.objects)
                _insert(raw, out, parts.events)
            with out.element(_M + "fileSec"), out.element(_M + "fileGrp"):
                _insert(raw, out, parts.files)
            with out.element(_M + "structMap", TYPE="Directory-physical"), out.element(_M + "div", whole):
                _insert(raw, out, parts.structure)


def _insert(raw: IO[bytes], out: Any, part: IO[bytes]) -> None:
    out.flush()
    part.seek(0)
    shutil.copyfileobj(part, raw)


class _Events:
    """Events as they are told: numbered, written, and kept in mind by id alone, and that only of folders."""

    def __init__(self, description: SipDescription, part: IO[bytes], now: str) -> None:
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, f"{description.object_id}/{description.filename}")
        self._part, self._now = part, now
        self.agent = str(uuid.uuid5(self._space, "agent"))
        self.count = 0
        self.of_whole: list[str] = []
        self.of_folder: dict[str, list[str]] = {}
        for told in description.events:
            known = self.of_whole if told.target is None else self.of_folder.setdefault(told.target, [])
            known += self.tell([told])

    def tell(self, events: Iterable[PremisEvent]) -> list[str]:
        """Write events; return the ids of their sections."""
        sections = []
        for told in events:
            section = f"event-{self.count}"
            identifier = str(uuid.uuid5(self._space, f"event {self.count}"))
            element = premis.event(told, identifier, self.agent)
            _append(
                self._part,
                _section("digiprovMD", section, self._now, "PREMIS:EVENT", PREMIS_VERSION, element),
            )
            sections.append(section)
            self.count += 1
        return sections


class _Structure:
    """Folders as nested divisions; files come folder by folder, so a folder is left once and for all."""

    def __init__(self, part: IO[bytes], events: _Events) -> None:
        self._part, self._events = part, events
        self._open: list[str] = []

    def add(self, path: str, number: int) -> None:
        """A file, in the divisions of its folders."""
        *folders, _ = path.split("/")
        same = 0
        while same < min(len(folders), len(self._open)) and folders[same] == self._open[same]:
            same += 1
        self._leave(same)
        for name in folders[same:]:
            self._enter(name)
        self._part.write(f'<mets:div TYPE="file"><mets:fptr FILEID="file-{number}"/></mets:div>\n'.encode())

    def close(self) -> None:
        """Leave every folder."""
        self._leave(0)

    def _enter(self, name: str) -> None:
        self._open.append(name)
        about = self._events.of_folder.get("/".join(self._open))
        told = {"TYPE": "directory", "LABEL": name} | ({"ADMID": " ".join(about)} if about else {})
        whole = etree.tostring(etree.Element(_M + "div", told, {"mets": METS}), encoding="UTF-8")
        self._part.write(whole.replace(_DECLARED, b"", 1).removesuffix(b"/>") + b">\n")

    def _leave(self, depth: int) -> None:
        while len(self._open) > depth:
            self._open.pop()
            self._part.write(b"</mets:div>\n")


def _header(description: SipDescription, contract: Contract) -> etree._Element:
    header = etree.Element(_M + "metsHdr", {"CREATEDATE": description.created.isoformat()}, {"mets": METS})
    if description.modified is not None:
        header.set("LASTMODDATE", description.modified.isoformat())
    header.set("RECORDSTATUS", "update" if description.update else "submission")
    creator = etree.SubElement(header, _M + "agent", ROLE="CREATOR", TYPE="ORGANIZATION")
    etree.SubElement(creator, _M + "name").text = contract.organization
    return header


def _section(
    element: str, name: str, created: str, kind: str, version: str, content: etree._Element
) -> etree._Element:
    section = etree.Element(_M + element, {"ID": name, "CREATED": created}, {"mets": METS})
    wrap = etree.SubElement(section, _M + "mdWrap", MDTYPE=kind, MDTYPEVERSION=version)
    etree.SubElement(wrap, _M + "xmlData").append(content)
    return section


def _write_objects(part: IO[bytes], number: int, file: SipFile, identifier: str, now: str) -> None:
    told = premis.file_object(file, identifier)
    _append(part, _section("techMD", f"object-{number}", now, "PREMIS:OBJECT", PREMIS_VERSION, told))
    if file.judged.image:
        image = mix(file.judged.image, file.judged.format, _href(file))
        _append(part, _section("techMD", f"mix-{number}", now, "NISOIMG", MIX_VERSION, image))


def _file(number: int, file: SipFile, events: list[str]) -> etree._Element:
    sections = [f"object-{number}", *([f"mix-{number}"] if file.judged.image else []), *events]
    element = etree.Element(_M + "file", {"ID": f"file-{number}", "ADMID": " ".join(sections)}, _NSMAP)
    etree.SubElement(
        element,
        _M + "FLocat",
        {
            "LOCTYPE": "URL",
            f"{{{XLINK}}}type": "simple",
            f"{{{XLINK}}}href": _href(file),
        },
    )
    return element


def _href(file: SipFile) -> str:
    return f"file://{quote(file.path)}"


def _lido_version(lido: etree._Element) -> str:
    """1.0 unless the document points to the schema of 1.1."""
    location = " ".join(
        str(value) for name, value in lido.attrib.items() if str(name).endswith("schemaLocation")
    )
    return next((version for mark, version in _LIDO_VERSIONS.items() if mark in location), "1.0")
