"""The history of a deposit as PREMIS 3.0 (http://www.loc.gov/premis/v3): its objects, its events, who acted."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from deposit import __version__
from deposit.http.text import sendable_type
from deposit.lists.events import plain_actor, plain_detail
from deposit.models import Deposit, Event, Part, PartKind

PREMIS = "http://www.loc.gov/premis/v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SOFTWARE = "deposit-server"
_VOCABULARY = "http://id.loc.gov/vocabulary/preservation/eventType"
# Our events in the words of the Library of Congress's event types; others keep their own names.
_TYPES: Mapping[str, str] = {
    "create": "transfer",
    "add": "transfer",
    "replace": "transfer",
    "complete": "accession",
    "verify": "validation",
    "reject": "validation",
    "hold": "validation",
    "confirm": "accession",
    "start": "ingestion start",
    "accept": "ingestion end",
    "finish": "ingestion end",
    "fail": "ingestion end",
    "update-metadata": "metadata modification",
    "withdraw": "deaccession",
    "restore": "accession",
    "erase": "deletion",
    "erase-objects": "deletion",
    "erased": "deletion",
}
_FAILURES = frozenset(
    {"reject", "fail", "quarantine", "give-back", "expire", "fetch-failed", "expire-deletion"}
)
# Characters that no XML document can hold (XML 1.0 section 2.2).
_UNWRITABLE = {
    code: "\ufffd"
    for code in (*range(0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
    if code not in (9, 10, 13)
}

_make = ElementMaker(namespace=PREMIS, nsmap={"premis": PREMIS, "xsi": _XSI})


def premis(deposit: Deposit, parts: Iterable[Part], events: Iterable[Event]) -> bytes:
    """The document: the deposit, each thing that was sent, each event, each agent; in the schema's order."""
    history = list(events)
    document = _make.premis(_entity(deposit), *[_file(deposit, part) for part in parts], version="3.0")
    document.extend(_event(deposit, event) for event in history)
    document.extend(_agent(name) for name in dict.fromkeys(plain_actor(event) for event in history))
    document.append(_agent(_SOFTWARE, "software", __version__))
    written: bytes = etree.tostring(document, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return written


def _text(name: str, value: object, **attributes: str) -> Any:
    return _make(name, str(value).translate(_UNWRITABLE), **attributes)


def _identified(name: str, kind: str, value: object, wrapper: str = "") -> Any:
    """An identifier: a type and a value, whose elements are named after it."""
    return _make(wrapper or name, _text(f"{name}Type", kind), _text(f"{name}Value", value))


def _object(kind: str, *children: Any) -> Any:
    return _make.object(*children, **{f"{{{_XSI}}}type": f"premis:{kind}"})


def _entity(deposit: Deposit) -> Any:
    identifiers = [("deposit", deposit.pk), ("SWHID", deposit.swhid), ("URL", deposit.origin_url)]
    identifiers += [("client's own", deposit.external_id)]
    return _object(
        "intellectualEntity",
        *[_identified("objectIdentifier", kind, value) for kind, value in identifiers if value],
    )


def _file(deposit: Deposit, part: Part) -> Any:
    characteristics = _make.objectCharacteristics(
        _make.fixity(
            _text("messageDigestAlgorithm", "SHA-256"),
            _text("messageDigest", part.sha256),
            _text("messageDigestOriginator", _SOFTWARE),
        ),
        _text("size", part.size),
        _make.format(
            _make.formatDesignation(
                _text("formatName", sendable_type(part.content_type) if part.content_type else "unknown")
            )
        ),
    )
    name = [_text("originalName", part.name)] if part.kind == PartKind.PACKAGE else []
    relation = _make.relationship(
        _text("relationshipType", "structural"),
        _text("relationshipSubType", "is part of"),
        _identified("relatedObjectIdentifier", "deposit", deposit.pk),
    )
    identifier = _identified("objectIdentifier", "deposit part", part.pk)
    return _object("file", identifier, characteristics, *name, relation)


def _event(deposit: Deposit, event: Event) -> Any:
    known = _TYPES.get(event.name)
    vocabulary = {"authority": "eventType", "authorityURI": _VOCABULARY} if known else {}
    told = f"{event.name}: {event.from_status or 'nothing'} to {event.to_status or 'nothing'}"
    outcome = _make.eventOutcomeInformation(
        _text("eventOutcome", "failure" if event.name in _FAILURES else "success")
    )
    detail = plain_detail(event)
    if detail:
        note = json.dumps(detail, ensure_ascii=False, sort_keys=True)
        outcome.append(_make.eventOutcomeDetail(_text("eventOutcomeDetailNote", note)))
    return _make.event(
        _identified("eventIdentifier", "event", event.pk),
        _text("eventType", known or event.name, **vocabulary),
        _text("eventDateTime", event.at.isoformat()),
        _make.eventDetailInformation(_text("eventDetail", told)),
        outcome,
        _identified("linkingAgentIdentifier", "actor", plain_actor(event)),
        _identified("linkingObjectIdentifier", "deposit", deposit.pk),
    )


def _agent(name: str, kind: str = "", version: str = "") -> Any:
    agent = _make.agent(_identified("agentIdentifier", "actor", name), _text("agentName", name))
    if kind:
        agent.append(_text("agentType", kind))
    if version:
        agent.append(_text("agentVersion", version))
    return agent
