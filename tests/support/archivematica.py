"""A double of Archivematica: dashboard and Storage Service over HTTP on loopback, each at an address of its own.

It answers as the real ones do (403 JSON and 401 empty for a bad key, 400 for a unit without jobs, 202 before anything
is done), goes by `Script`s, and fails as its `Fault`s say. Run alone it serves the how-to page:

    python -m tests.support.archivematica --port 62080 --storage-port 62081 --source /tmp/transfer-source
"""

import argparse
import base64
import binascii
import json
import re
import tempfile
import threading
import uuid
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.archivematica_http import UUID, Fault, Handler, Request
from tests.support.archivematica_state import (
    AT_ONCE,
    BACKLOG,
    COMPLETE,
    DONE,
    FAILED,
    NOT_YET,
    REJECTED,
    Script,
    State,
    Transfer,
)
from tests.support.archivematica_storage import StorageHandler

USER, KEY = "pipeline", "a key of the dashboard"
STORAGE_USER, STORAGE_KEY = "storage", "a key of the Storage Service"
_TYPES = {"standard", "zipfile", "unzipped bag", "zipped bag", "dspace", "maildir", "TRIM", "dataverse"}


class Archivematica:
    """Start with ``with``. ``source`` is the transfer source; ``version`` what the header says."""

    def __init__(
        self,
        source: Path,
        *,
        version: str = "1.17.0",
        port: int = 0,
        storage_port: int = 0,
        location: str = "",
        root: Path | None = None,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="archivematica-")
        self.version = version
        self.id = str(uuid.uuid4())
        self.location, self.processing_location = location or str(uuid.uuid4()), str(uuid.uuid4())
        self.state = State(root or Path(self._temporary.name), source)
        self.keys = {"dashboard": (USER, KEY), "storage": (STORAGE_USER, STORAGE_KEY)}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        # Called once, while the next request is answered.
        self.before: Callable[[], object] | None = None
        self._servers = [
            self._serve("dashboard", port, DashboardHandler),
            self._serve("storage", storage_port, StorageHandler),
        ]
        self.url, self.storage_url = (f"http://127.0.0.1:{one.server_address[1]}" for one in self._servers)

    def _serve(self, name: str, port: int, handler: type["Handler"]) -> ThreadingHTTPServer:
        bound = type(handler.__name__, (handler,), {"double": self, "server_name_": name})
        server = ThreadingHTTPServer(("127.0.0.1", port), bound)
        server.daemon_threads = True
        return server

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._temporary.cleanup()

    def script(self, pattern: str, script: Script) -> None:
        """Transfers in whose name the pattern is found go by this script."""
        self.state.scripts.insert(0, (re.compile(pattern), script))

    def fail(self, where: str, **fault: Any) -> None:
        """Let the next matching requests fail; see `Fault`."""
        self.faults.append(Fault(where=where, **fault))

    def fault_for(self, asked: str) -> Fault | None:
        """Take the next fault that concerns a request."""
        with self.state.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.where, asked):
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, pattern: str) -> int:
        """How many requests of this kind came."""
        return sum(one.method == method and bool(re.search(pattern, one.path)) for one in list(self.requests))

    @property
    def transfers(self) -> list[Transfer]:
        """All that was ever taken, in order."""
        return list(self.state.transfers.values())


class DashboardHandler(Handler):
    """The dashboard's API."""

    routes = [
        ("GET", "/api/v2beta/package/?", "who"),
        ("POST", "/api/v2beta/package/?", "start"),
        ("GET", f"/api/transfer/status/{UUID}/?", "transfer_status"),
        ("GET", f"/api/ingest/status/{UUID}/?", "ingest_status"),
        ("GET", "/api/(transfer|ingest)/completed/?", "completed"),
        ("GET", "/api/transfer/unapproved/?", "unapproved"),
        ("GET", "/api/ingest/waiting/?", "waiting"),
        ("DELETE", f"/api/(transfer|ingest)/{UUID}/delete/?", "hide"),
        ("GET", f"/api/v2beta/jobs/{UUID}/?", "jobs"),
        ("GET", "/api/processing-configuration/?", "configurations"),
    ]

    def refuse_entry(self) -> None:
        """403 with a sentence; without the headers that tell who it is."""
        self.answer(403, {"message": "API key not valid.", "error": True}, signed=False)

    def signature(self) -> dict[str, str]:
        """Who answers."""
        return {"X-Archivematica-Version": self.double.version, "X-Archivematica-ID": self.double.id}

    def who(self) -> None:
        """Not implemented, and that is how one finds out who it is."""
        self.answer(501, b"")

    def start(self) -> None:
        """Take a package. An Idempotency-Key counts from 1.19 on."""
        state = self.double.state
        try:
            body = json.loads(self.asked.body)
            path = base64.b64decode(body["path"], validate=True).decode()
        except (ValueError, KeyError, binascii.Error):
            self.answer(400, {"error": True, "message": 'Parameter "path" cannot be decoded.'})
            return
        if body.get("type", "standard") not in _TYPES or not body.get("name"):
            self.answer(500, {"error": True, "message": "Package cannot be created"})
            return
        key = self.asked.headers.get("idempotency-key") if self._is_idempotent() else None
        if key is not None and key in state.keys:
            earlier, identifier = state.keys[key]
            if earlier != body:
                self.answer(422, {"error": True, "message": "The key was used for another package."})
            else:
                self.answer(202, {"id": identifier})
            return
        location, found, inner = path.partition(":")
        if found and location != self.double.location:
            inner = "no/such/location"
        transfer = state.begin(body, inner if found else path)
        if key is not None:
            state.keys[key] = (body, transfer.uuid)
        self.answer(202, {"id": transfer.uuid})

    def _is_idempotent(self) -> bool:
        major, minor = re.findall(r"\d+", self.double.version)[:2]
        return (int(major), int(minor)) >= (1, 19)

    def transfer_status(self, identifier: str) -> None:
        """How a transfer gets on; asking moves it on."""
        transfer = self.double.state.ask_transfer(identifier)
        if transfer is None or transfer.word == NOT_YET:
            self.answer(400, {"type": "transfer", "message": "Cannot fetch unit: no jobs", "error": True})
            return
        document = self._unit(transfer, "transfer", transfer.uuid, transfer.word)
        if transfer.word == DONE:
            document |= {"status": COMPLETE, "sip_uuid": transfer.sip}
        if transfer.word == BACKLOG:
            document |= {"status": COMPLETE, "sip_uuid": BACKLOG}
        self.answer(200, document)

    def ingest_status(self, identifier: str) -> None:
        """How a SIP gets on; asking moves it on."""
        transfer = self.double.state.ask_ingest(identifier)
        if transfer is None or transfer.ingest_word == NOT_YET:
            self.answer(400, {"type": "SIP", "message": "Cannot fetch unit: no jobs", "error": True})
            return
        self.answer(200, self._unit(transfer, "SIP", transfer.sip, transfer.ingest_word))

    def _unit(self, transfer: Transfer, kind: str, identifier: str, word: str) -> dict[str, Any]:
        path = f"/var/archivematica/sharedDirectory/currentlyProcessing/{transfer.name}-{identifier}/"
        return {
            "type": kind,
            "path": path,
            "directory": Path(path).name,
            "name": transfer.name,
            "uuid": identifier,
            "microservice": transfer.fault or "Remove the processing directory",
            "status": word,
            "message": f"Fetched status for {identifier} successfully.",
        }

    def completed(self, kind: str) -> None:
        """What has ended and is not hidden."""
        found = [
            one.uuid if kind == "transfer" else one.sip
            for one in self.double.transfers
            if kind not in one.hidden
            and ((kind == "transfer" and one.has_sip) or (kind == "ingest" and one.ingest_word == COMPLETE))
        ]
        self.answer(200, {"results": found, "message": "Fetched completed units successfully."})

    def unapproved(self) -> None:
        """Nothing: we approve as we start."""
        self.answer(200, {"results": [], "message": "Fetched unapproved transfers successfully."})

    def waiting(self) -> None:
        """What asks a person something."""
        found = [
            {
                "sip_directory": f"{one.name}-{one.uuid}",
                "sip_uuid": one.uuid,
                "sip_name": one.name,
                "microservice": "Approval",
            }
            for one in self.double.transfers
            if "USER_INPUT" in (one.word, one.ingest_word)
        ]
        self.answer(200, {"results": found, "message": "Fetched units successfully."})

    def hide(self, kind: str, identifier: str) -> None:
        """Take a unit off its tab; 409 while it works, or when it is hidden."""
        for one in self.double.transfers:
            mine = one.uuid if kind == "transfer" else one.sip
            ended = one.word in (DONE, FAILED, REJECTED, BACKLOG) if kind == "transfer" else not one.is_inside
            if mine == identifier and ended and kind not in one.hidden:
                one.hidden.add(kind)
                self.answer(200, {"removed": True})
                return
        self.answer(409, {"removed": False})

    def jobs(self, identifier: str) -> None:
        """The jobs of a unit: one that has ended and one that shows where it stands."""
        for one in self.double.transfers:
            word = {one.uuid: one.word, one.sip: one.ingest_word}.get(identifier, NOT_YET)
            if word == NOT_YET:
                continue
            tasks = [{"uuid": str(uuid.uuid4()), "exit_code": 1 if word == FAILED else 0}]
            names = (("Verify transfer compliance", COMPLETE), ("Characterize and extract metadata", word))
            self.answer(
                200,
                [
                    {
                        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, identifier + name)),
                        "name": name,
                        "status": COMPLETE if status == DONE else status,
                        "microservice": name,
                        "link_uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
                        "tasks": tasks,
                    }
                    for name, status in names
                ],
            )
            return
        self.answer(400, {"message": "No jobs found for unit", "error": True})

    def configurations(self) -> None:
        """The names of the processing configurations."""
        self.answer(200, {"processing_configurations": ["automated", "default"]})


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="A double of Archivematica and its Storage Service.")
    parser.add_argument("--port", type=int, default=62080)
    parser.add_argument("--storage-port", type=int, default=62081)
    parser.add_argument("--source", type=Path, required=True, help="the folder that is the transfer source")
    parser.add_argument("--version", default="1.17.0")
    parser.add_argument(
        "--at-once", action="store_true", help="every transfer is done when it is first asked for"
    )
    parser.add_argument(
        "--location", default="6f2c6d63-6ff6-4f9a-8f4f-0a7a5a3d2b11", help="the UUID of that folder"
    )
    options = parser.parse_args()
    options.source.mkdir(parents=True, exist_ok=True)
    double = Archivematica(
        options.source,
        version=options.version,
        port=options.port,
        storage_port=options.storage_port,
        location=options.location,
    )
    if options.at_once:
        double.state.default = AT_ONCE
    with double:
        print(f"dashboard {double.url}, user {USER}, key {KEY!r}", flush=True)  # noqa: T201
        print(f"Storage Service {double.storage_url}, user {STORAGE_USER}, key {STORAGE_KEY!r}", flush=True)  # noqa: T201
        print(f"transfer source {options.source}, location {double.location}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
