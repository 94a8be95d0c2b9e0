"""The national preservation service, for tests: what arrives over SFTP is looked at and answered by reports.

The ingester takes each SIP out of ``transfer/``, verifies signature, digests and, if it is given rules, METS, and
leaves ``accepted/`` or ``rejected/`` reports as the real one does; the API tells the same over HTTP.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from tests.support.mets_rules import MetsRules

PREMIS = "{info:lc/xmlns/premis-v2}"
CONTRACT = "12345678-1234-4321-8765-123456789012"
USERNAME, PASSWORD = "contract", "secret"


@dataclass(kw_only=True)
class Ingested:
    """One SIP that was looked at."""

    sip: str
    object_id: str
    transfer: str
    status: str
    at: datetime
    faults: list[str]
    xml: bytes
    html: bytes


@dataclass
class Ingester:
    """``root`` is where clients log in; ``certificate`` verifies signatures."""

    root: Path
    certificate: Path
    rules: MetsRules | None = None
    rejects: Callable[[str], bool] = lambda name: False
    ingested: list[Ingested] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder in ("transfer", "accepted", "rejected"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def process(self, now: datetime | None = None) -> list[Ingested]:
        """Look at everything that has arrived whole."""
        return [
            self._ingest(path, now or datetime.now(UTC)) for path in sorted(self.root.glob("transfer/*.tar"))
        ]

    def _ingest(self, path: Path, now: datetime) -> Ingested:
        transfer = f"transfer-{len(self.ingested)}-{os.urandom(4).hex()}"
        work = self.root.with_name(self.root.name + "-ingest") / transfer
        faults, object_id = self._judge(path, work)
        if self.rejects(path.name):
            faults.append("The file format is not supported.")
        status = "rejected" if faults else "accepted"
        folder = self.root / status / now.strftime("%Y-%m-%d") / path.name
        folder.mkdir(parents=True, exist_ok=True)
        done = Ingested(
            sip=path.name,
            object_id=object_id,
            transfer=transfer,
            status=status,
            at=now,
            faults=faults,
            xml=_report(path.name, object_id, transfer, now, faults),
            html=f"<html><body><h1>{status}</h1><script>alert(1)</script></body></html>".encode(),
        )
        if faults:
            work.rename(folder / path.name)
        path.unlink()
        (folder / f"{transfer}-ingest-report.html").write_bytes(done.html)
        (folder / f"{transfer}-ingest-report.xml").write_bytes(done.xml)
        self.ingested.append(done)
        return done

    def _judge(self, path: Path, work: Path) -> tuple[list[str], str]:
        work.mkdir(parents=True)
        try:
            with tarfile.open(path) as archive:
                archive.extractall(work, filter="data")
            mets = etree.parse(str(work / "mets.xml"), etree.XMLParser(huge_tree=True)).getroot()
        except (tarfile.TarError, OSError, etree.XMLSyntaxError) as error:
            return [f"The package cannot be read: {error}"], ""
        faults = [*self._signature_faults(work), *_fixity_faults(work, mets)]
        if self.rules is not None:
            faults += self.rules.faults(work / "mets.xml")
        return faults, str(mets.get("OBJID"))

    def _signature_faults(self, work: Path) -> list[str]:
        verified = subprocess.run(
            ["openssl", "smime", "-verify", "-in", work / "signature.sig", "-CAfile", self.certificate],
            capture_output=True,
        )
        if verified.returncode:
            return ["The signature does not verify."]
        name, algorithm, digest = verified.stdout.decode().strip().split(":")
        there = hashlib.new(algorithm, (work / name).read_bytes()).hexdigest()
        return [] if there == digest else ["The signature is of another mets.xml."]


def _fixity_faults(work: Path, mets: etree._Element) -> list[str]:
    sections = {str(section.get("ID")): section for section in mets.iter("{http://www.loc.gov/METS/}techMD")}
    faults, listed = [], {"mets.xml", "signature.sig"}
    for file in mets.iter("{http://www.loc.gov/METS/}file"):
        location = file.find("{*}FLocat")
        assert location is not None
        path = unquote(str(location.get("{http://www.w3.org/1999/xlink}href")).removeprefix("file://"))
        listed.add(path)
        told = [
            str(digest.text)
            for section in str(file.get("ADMID")).split()
            if section in sections
            for digest in sections[section].iter(f"{PREMIS}messageDigest")
        ]
        if not (work / path).is_file():
            faults.append(f"{path} is missing.")
        elif told != [hashlib.sha256((work / path).read_bytes()).hexdigest()]:
            faults.append(f"The digest of {path} differs.")
    there = {path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file()}
    return faults + [f"{path} is in no METS." for path in sorted(there - listed)]


def _report(sip: str, object_id: str, transfer: str, now: datetime, faults: list[str]) -> bytes:
    """A report in the form of the service's schema (PREMIS 2.2)."""
    outcome = "failure" if faults else "success"
    note = escape("; ".join(faults) or "All is well.")
    when = now.isoformat()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<premis:premis xmlns:premis="info:lc/xmlns/premis-v2" version="2.2" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<premis:object xsi:type="premis:representation"><premis:objectIdentifier>'
        "<premis:objectIdentifierType>preservation-sip-id</premis:objectIdentifierType>"
        f"<premis:objectIdentifierValue>{transfer}</premis:objectIdentifierValue></premis:objectIdentifier>"
        f"<premis:originalName>{escape(sip)}</premis:originalName><premis:environment><premis:dependency>"
        "<premis:dependencyIdentifier><premis:dependencyIdentifierType>mets:OBJID"
        "</premis:dependencyIdentifierType>"
        f"<premis:dependencyIdentifierValue>{escape(object_id or 'unknown')}</premis:dependencyIdentifierValue>"
        "</premis:dependencyIdentifier></premis:dependency></premis:environment></premis:object>"
        "<premis:event><premis:eventIdentifier><premis:eventIdentifierType>preservation-event-id"
        f"</premis:eventIdentifierType><premis:eventIdentifierValue>{transfer}-1</premis:eventIdentifierValue>"
        "</premis:eventIdentifier><premis:eventType>validation</premis:eventType>"
        f"<premis:eventDateTime>{when}</premis:eventDateTime>"
        "<premis:eventDetail>Validation of the package</premis:eventDetail><premis:eventOutcomeInformation>"
        f"<premis:eventOutcome>{outcome}</premis:eventOutcome><premis:eventOutcomeDetail>"
        f"<premis:eventOutcomeDetailNote>{note}</premis:eventOutcomeDetailNote></premis:eventOutcomeDetail>"
        "</premis:eventOutcomeInformation><premis:linkingAgentIdentifier><premis:linkingAgentIdentifierType>"
        "preservation-agent-id</premis:linkingAgentIdentifierType><premis:linkingAgentIdentifierValue>ingest"
        "</premis:linkingAgentIdentifierValue></premis:linkingAgentIdentifier><premis:linkingObjectIdentifier>"
        "<premis:linkingObjectIdentifierType>preservation-sip-id</premis:linkingObjectIdentifierType>"
        f"<premis:linkingObjectIdentifierValue>{transfer}</premis:linkingObjectIdentifierValue>"
        "</premis:linkingObjectIdentifier></premis:event><premis:agent><premis:agentIdentifier>"
        "<premis:agentIdentifierType>preservation-agent-id</premis:agentIdentifierType>"
        "<premis:agentIdentifierValue>ingest</premis:agentIdentifierValue></premis:agentIdentifier>"
        "<premis:agentName>ingest</premis:agentName><premis:agentType>software</premis:agentType></premis:agent>"
        "</premis:premis>"
    ).encode()


class Api:
    """The REST API 2.0 over what an ingester knows, and over disseminations of files given to it."""

    def __init__(self, ingester: Ingester) -> None:
        self.ingester = ingester
        self.packages: dict[str, bytes] = {}
        self.polls_until_ready = 1
        self.statuses: list[int] = []
        self.cut_next = 0
        self.polls: dict[str, int] = {}
        self.url = ""

    def answer(self, method: str, path: str, asked: dict[str, list[str]]) -> tuple[int, object]:
        """The answer to a request below the contract's address: JSON, or bytes."""
        base = f"/api/2.0/urn:uuid:{CONTRACT}"
        match [unquote(part) for part in path.removeprefix(base).strip("/").split("/")]:
            case ["search"]:
                page, limit = int(asked["page"][0]), int(asked["limit"][0])
                found = sorted(self.packages)[(page - 1) * limit : page * limit]
                results = [
                    {
                        "id": aip,
                        "location": f"{base}/preserved/{aip}",
                        "createdate": "2020-01-01T00:00:00Z",
                        "lastmoddate": "2020-01-01T00:00:00Z",
                        "pkg_type": "AIP",
                    }
                    for aip in found
                ]
                return 200, {"results": results, "links": {}}
            case ["preserved", aip, "disseminate"] if method == "POST":
                return (
                    (200, {"disseminated": f"{base}/disseminated/{aip}"})
                    if aip in self.packages
                    else (404, {})
                )
            case ["disseminated", aip] if method == "DELETE":
                return 200, {"deleted": "true"}
            case ["disseminated", aip]:
                self.polls[aip] = self.polls.get(aip, 0) + 1
                complete = self.polls[aip] >= self.polls_until_ready
                return 200, {
                    "complete": str(complete).lower(),
                    "actions": {"download": f"{base}/files/{aip}"},
                }
            case ["files", aip]:
                return 200, self.packages[aip]
            case ["ingest", "report", sip]:
                done = [entry for entry in self.ingester.ingested if sip in (entry.sip, entry.object_id)]
                entries = [
                    {
                        "date": each.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "id": each.transfer,
                        "status": each.status,
                    }
                    for each in done
                ]
                return (200, {"results": entries}) if entries else (404, {})
            case ["ingest", "report", sip, transfer]:
                for entry in self.ingester.ingested:
                    if entry.transfer == transfer:
                        return 200, getattr(entry, asked["type"][0])
        return 404, {}


@contextmanager
def rest_api(ingester: Ingester) -> Iterator[Api]:
    """The API, running; ``url`` says where."""
    told = Api(ingester)

    class Handler(_Handler):
        api = told

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    api: Api
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        given = base64.b64decode((self.headers.get("Authorization") or "").removeprefix("Basic ")).decode()
        parts = urlsplit(self.path)
        if given != f"{USERNAME}:{PASSWORD}":
            self._send(401, b"")
        elif self.api.statuses:
            self._send(self.api.statuses.pop(0), b"")
        else:
            status, body = self.api.answer(method, parts.path, parse_qs(parts.query))
            if isinstance(body, bytes):
                self._send_part(body)
            else:
                wrapped = {"status": "success" if status < 400 else "fail", "data": body}
                self._send(status, json.dumps(wrapped).encode())

    def _send_part(self, body: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted is None:
            self._send(200, body)
        elif int(wanted[1]) >= len(body):
            self._send(416, b"")
        else:
            self._send(206, body[int(wanted[1]) :])

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.api.cut_next and len(body) > 1000:
            self.api.cut_next -= 1
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)
