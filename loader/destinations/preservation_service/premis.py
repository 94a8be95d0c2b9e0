"""PREMIS 2.3 for METS: a file's object, an event, an agent."""

from datetime import datetime

from lxml import etree

from loader.destinations.preservation_service.contents import SipFile
from loader.destinations.preservation_service.description import PremisEvent
from loader.destinations.preservation_service.namespaces import PREFIXES, PREMIS, XSI

_P = f"{{{PREMIS}}}"
_NSMAP = {"premis": PREFIXES["premis"], "xsi": PREFIXES["xsi"]}
DIGEST = "SHA-256"
# Keys of PRONOM that the service knows for its formats; others (Exif's TIFF, ...) are left out.
_REGISTRY = "http://www.nationalarchives.gov.uk/PRONOM"


def file_object(file: SipFile, identifier: str) -> etree._Element:
    """The object of one file."""
    root = etree.Element(_P + "object", {f"{{{XSI}}}type": "premis:file"}, _NSMAP)
    _identifier(root, "object", "museumplus", identifier)
    characteristics = _sub(root, "objectCharacteristics")
    _sub(characteristics, "compositionLevel", "0")
    fixity = _sub(characteristics, "fixity")
    _sub(fixity, "messageDigestAlgorithm", DIGEST)
    _sub(fixity, "messageDigest", file.sha256)
    _sub(characteristics, "size", str(file.size))
    _format(characteristics, file)
    application = _sub(characteristics, "creatingApplication")
    _sub(application, "creatingApplicationName", "MuseumPlus")
    _sub(application, "dateCreatedByApplication", file.modified.isoformat())
    return root


def event(told: PremisEvent, identifier: str, agent: str) -> etree._Element:
    """One event, and the agent that saw to it."""
    root = etree.Element(_P + "event", None, _NSMAP)
    _identifier(root, "event", "UUID", identifier)
    _sub(root, "eventType", told.type)
    _sub(root, "eventDateTime", _time(told.when))
    _sub(root, "eventDetail", told.detail)
    outcome = _sub(root, "eventOutcomeInformation")
    _sub(outcome, "eventOutcome", told.outcome)
    _sub(_sub(outcome, "eventOutcomeDetail"), "eventOutcomeDetailNote", told.outcome_detail)
    link = _sub(root, "linkingAgentIdentifier")
    _sub(link, "linkingAgentIdentifierType", "UUID")
    _sub(link, "linkingAgentIdentifierValue", agent)
    return root


def agent(name: str, identifier: str) -> etree._Element:
    """The software that made the package."""
    root = etree.Element(_P + "agent", None, _NSMAP)
    _identifier(root, "agent", "UUID", identifier)
    _sub(root, "agentName", name)
    _sub(root, "agentType", "software")
    return root


def _format(parent: etree._Element, file: SipFile) -> None:
    judged = file.judged
    name = judged.format.mime + (f"; charset={judged.charset}" if judged.charset else "")
    form = _sub(parent, "format")
    designation = _sub(form, "formatDesignation")
    _sub(designation, "formatName", name)
    if judged.format.version:
        _sub(designation, "formatVersion", judged.format.version)
    registry = _sub(form, "formatRegistry")
    _sub(registry, "formatRegistryName", _REGISTRY)
    _sub(registry, "formatRegistryKey", judged.format.puid)


def _identifier(root: etree._Element, of: str, kind: str, value: str) -> None:
    identifier = _sub(root, f"{of}Identifier")
    _sub(identifier, f"{of}IdentifierType", kind)
    _sub(identifier, f"{of}IdentifierValue", value)


def _sub(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _P + name)
    element.text = text
    return element


def _time(when: datetime) -> str:
    return when.isoformat()
