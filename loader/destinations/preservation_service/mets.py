"""METS of the national cultural heritage profile, catalogue and specification 1.8.0, written as it is made.

Only one element is in memory at a time, so that an object with 10^4 files costs no more than one with ten; of each file
a short record is kept. Every section is linked, as the rules of the service want it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
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


def write_mets(
    target: Path,
    description: SipDescription,
    contract: Contract,
    files: Sequence[SipFile],
    lido: etree._Element,
) -> None:
    """Write ``mets.xml`` to ``target``. ``files`` are sorted by path; ``lido`` is the object's description."""
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    events = _Events(description)
    attributes = {
        "PROFILE": PROFILE,
        "OBJID": description.object_id,
        f"{{{FI}}}CONTENTID": description.content_id,
        f"{{{FI}}}CATALOG": CATALOG,
        f"{{{FI}}}SPECIFICATION": SPECIFICATION,
        f"{{{FI}}}CONTRACTID": contract.urn,
    }
    with etree.xmlfile(str(target), encoding="UTF-8") as out:
        out.write_declaration()
        with out.element(_M + "mets", attributes, nsmap=PREFIXES):
            out.write(_header(description, contract), pretty_print=True)
            out.write(
                _section("dmdSec", "dmd-lido", now, "LIDO", _lido_version(lido), lido), pretty_print=True
            )
            with out.element(_M + "amdSec"):
                _write_sections(out, description, files, events, now)
            with out.element(_M + "fileSec"), out.element(_M + "fileGrp"):
                for number, file in enumerate(files):
                    out.write(_file(number, file, events.of(file.path)), pretty_print=True)
            with out.element(_M + "structMap", TYPE="Directory-physical"):
                _write_structure(out, files, events)


class _Events:
    """The events with their ids, by what they are about."""

    def __init__(self, description: SipDescription) -> None:
        space = uuid.uuid5(uuid.NAMESPACE_URL, f"{description.object_id}/{description.filename}")
        self.agent = str(uuid.uuid5(space, "agent"))
        self.numbered = [
            (f"event-{number}", str(uuid.uuid5(space, f"event {number}")), told)
            for number, told in enumerate(description.events)
        ]
        self._by_target: dict[str | None, list[str]] = {}
        for section, _, told in self.numbered:
            self._by_target.setdefault(told.target, []).append(section)

    def of(self, path: str | None) -> list[str]:
        """The sections of the events about a file or folder; None: about the whole."""
        return self._by_target.get(path, [])

    def told(self) -> Iterator[tuple[str, str, PremisEvent]]:
        """Section, identifier, event."""
        yield from self.numbered


def _header(description: SipDescription, contract: Contract) -> etree._Element:
    header = etree.Element(_M + "metsHdr", {"CREATEDATE": description.created.isoformat()})
    if description.modified is not None:
        header.set("LASTMODDATE", description.modified.isoformat())
    header.set("RECORDSTATUS", "update" if description.update else "submission")
    creator = etree.SubElement(header, _M + "agent", ROLE="CREATOR", TYPE="ORGANIZATION")
    etree.SubElement(creator, _M + "name").text = contract.organization
    return header


def _section(
    element: str, name: str, created: str, kind: str, version: str, content: etree._Element
) -> etree._Element:
    section = etree.Element(_M + element, {"ID": name, "CREATED": created})
    wrap = etree.SubElement(section, _M + "mdWrap", MDTYPE=kind, MDTYPEVERSION=version)
    etree.SubElement(wrap, _M + "xmlData").append(content)
    return section


def _write_sections(
    out: Any, description: SipDescription, files: Sequence[SipFile], events: _Events, now: str
) -> None:
    for number, file in enumerate(files):
        told = premis.file_object(file, description.identifier(file.path))
        out.write(
            _section("techMD", f"object-{number}", now, "PREMIS:OBJECT", PREMIS_VERSION, told),
            pretty_print=True,
        )
        if file.judged.image:
            image = mix(file.judged.image, file.judged.format, _href(file))
            out.write(
                _section("techMD", f"mix-{number}", now, "NISOIMG", MIX_VERSION, image), pretty_print=True
            )
    for section, identifier, happened in events.told():
        told = premis.event(happened, identifier, events.agent)
        out.write(
            _section("digiprovMD", section, now, "PREMIS:EVENT", PREMIS_VERSION, told), pretty_print=True
        )
    agent = premis.agent(description.agent, events.agent)
    out.write(
        _section("digiprovMD", "agent-0", now, "PREMIS:AGENT", PREMIS_VERSION, agent), pretty_print=True
    )


def _file(number: int, file: SipFile, events: list[str]) -> etree._Element:
    sections = [f"object-{number}", *([f"mix-{number}"] if file.judged.image else []), *events]
    element = etree.Element(_M + "file", ID=f"file-{number}", ADMID=" ".join(sections))
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


def _write_structure(out: Any, files: Sequence[SipFile], events: _Events) -> None:
    """Folders as nested divisions; files come sorted, so a folder is left once and for all."""
    numbers = {file.path: number for number, file in enumerate(files)}
    whole = {"TYPE": "directory", "DMDID": "dmd-lido", "ADMID": " ".join([*events.of(None), "agent-0"])}
    with out.element(_M + "div", whole):
        _write_folder(out, "", [file.path.split("/") for file in files], numbers, events)


def _write_folder(
    out: Any, folder: str, paths: list[list[str]], numbers: dict[str, int], events: _Events
) -> None:
    below: dict[str, list[list[str]]] = {}
    for first, *rest in paths:
        if rest:
            below.setdefault(first, []).append(rest)
            continue
        division = etree.Element(_M + "div", TYPE="file")
        etree.SubElement(division, _M + "fptr", FILEID=f"file-{numbers[folder + first]}")
        out.write(division, pretty_print=True)
    for name, rest_of_paths in below.items():
        attributes = {"TYPE": "directory", "LABEL": name}
        if about := events.of(folder + name):
            attributes["ADMID"] = " ".join(about)
        with out.element(_M + "div", attributes):
            _write_folder(out, f"{folder}{name}/", rest_of_paths, numbers, events)


def _lido_version(lido: etree._Element) -> str:
    """1.0 unless the document points to the schema of 1.1."""
    location = " ".join(
        str(value) for name, value in lido.attrib.items() if str(name).endswith("schemaLocation")
    )
    return next((version for mark, version in _LIDO_VERSIONS.items() if mark in location), "1.0")
