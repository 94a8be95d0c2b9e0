"""Archivematica's dashboard: hand a package over, ask how it gets on.

Facts: ``POST /api/v2beta/package/`` answers 202 with the transfer's UUID before anything is copied; a status may be
400 until the first job exists; a transfer is COMPLETE when its SIP exists, and its ``sip_uuid`` may lag behind or be
the word BACKLOG. The AIP has the SIP's UUID.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from loader.destinations.archivematica.errors import OutcomeUnknown, Unavailable
from loader.destinations.archivematica.http import Answer, Api

# The dashboard waits up to 30 s for its own scheduler before it answers a POST.
START_SECONDS = 75.0
PROBE_SECONDS = 10.0
# The first version that takes an Idempotency-Key.
IDEMPOTENT_SINCE = (1, 19)
_PACKAGE = "api/v2beta/package/"


class UnitState(StrEnum):
    """What the dashboard says of a transfer or SIP."""

    PROCESSING = "PROCESSING"
    COMPLETE = "COMPLETE"
    USER_INPUT = "USER_INPUT"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    UNKNOWN = ""


_STATES = {state.value: state for state in UnitState}
BACKLOG = "BACKLOG"


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """Who answers: the pipeline's UUID and version as the headers say, "" where they do not."""

    remote_id: str
    version: str

    @property
    def is_idempotent(self) -> bool:
        """Whether this version keeps its promise for a repeated Idempotency-Key."""
        found = re.search(r"(\d+)\.(\d+)", self.version)
        return found is not None and (int(found[1]), int(found[2])) >= IDEMPOTENT_SINCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A transfer or SIP. ``sip``: the UUID of the SIP made of it, BACKLOG, or ""."""

    uuid: str
    kind: str
    name: str
    state: UnitState
    sip: str
    microservice: str

    @classmethod
    def read(cls, document: dict[str, Any]) -> "Unit":
        """From a status document. A status that is not known is UNKNOWN, which is waited on for a while."""
        status = str(document.get("status") or "")
        return cls(
            uuid=str(document.get("uuid") or ""),
            kind=str(document.get("type") or ""),
            name=str(document.get("name") or ""),
            state=_STATES.get(status, UnitState.UNKNOWN),
            sip=_sip(document.get("sip_uuid")),
            microservice=str(document.get("microservice") or "")[:300],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One of Archivematica's own steps; ``failed_tasks`` of its ``tasks`` ended with an exit code that is not 0."""

    uuid: str
    name: str
    status: str
    microservice: str
    tasks: int = 0
    failed_tasks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StartRequest:
    """A package to hand over. ``path`` is relative to the transfer source ``location`` (a UUID, or "")."""

    name: str
    path: str
    location: str = ""
    type: str = "standard"
    processing_config: str = ""
    accession: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON of the request."""
        path = f"{self.location}:{self.path}" if self.location else self.path
        body: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "path": base64.b64encode(path.encode()).decode(),
            "auto_approve": True,
        }
        if self.processing_config:
            body["processing_config"] = self.processing_config
        if self.accession:
            body["accession"] = self.accession
        return body | self.extra


class Dashboard:
    """The calls that we make, over one `Api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def probe(self) -> Probe:
        """Who is there, and whether the key is good; starts nothing. Raises `Unavailable`, `Refused`."""
        answer = self._api.ask("GET", _PACKAGE, seconds=PROBE_SECONDS, accept=frozenset({501, 405}))
        return Probe(
            remote_id=answer.headers.get("X-Archivematica-ID", ""),
            version=answer.headers.get("X-Archivematica-Version", ""),
        )

    def processing_configurations(self) -> list[str]:
        """The names of the processing configurations."""
        document = self._api.ask("GET", "api/processing-configuration/").mapping()
        names = document.get("processing_configurations")
        return [str(name) for name in names] if isinstance(names, list) else []

    def start(self, request: StartRequest, *, idempotency_key: str | None = None) -> str:
        """Hand a package over; the UUID of its transfer.

        Raises `OutcomeUnknown` when it may have been taken: without a key it must then be looked for, never sent
        again. `Unavailable` and `Refused` say that nothing was started.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._api.order(_PACKAGE, request.body(), headers=headers, seconds=START_SECONDS)
        return _started(answer, self._api.name)

    def transfer(self, uuid: str) -> Unit:
        """How a transfer gets on. Raises `NotYet`, `Unavailable`, `Refused`."""
        return self._unit("transfer", uuid)

    def ingest(self, uuid: str) -> Unit:
        """How a SIP gets on. Raises `NotYet`, `Unavailable`, `Refused`."""
        return self._unit("ingest", uuid)

    def _unit(self, kind: str, uuid: str) -> Unit:
        return Unit.read(self._api.ask("GET", f"api/{kind}/status/{uuid}/").mapping())

    def jobs(self, unit: str) -> list[Job]:
        """The jobs of a transfer or SIP; empty when there are none (yet)."""
        answer = self._api.ask("GET", f"api/v2beta/jobs/{unit}/", accept=frozenset({400, 404}))
        if answer.status != 200:
            return []
        document = answer.document()
        return [_job(one) for one in document if isinstance(one, dict)] if isinstance(document, list) else []

    def names_that_wait(self) -> Iterator[tuple[str, str]]:
        """(UUID, folder or name) of what waits for a person: unapproved transfers, and units that ask something."""
        for one in _results(self._api.ask("GET", "api/transfer/unapproved/").mapping()):
            yield str(one.get("uuid") or ""), str(one.get("directory") or "")
        for one in _results(self._api.ask("GET", "api/ingest/waiting/").mapping()):
            yield str(one.get("sip_uuid") or ""), str(one.get("sip_name") or one.get("sip_directory") or "")

    def hide(self, kind: str, uuid: str) -> bool:
        """Take a finished unit off the tab of its ``kind`` (transfer, ingest); False when it is not finished."""
        answer = self._api.ask("DELETE", f"api/{kind}/{uuid}/delete/", accept=frozenset({409}))
        return answer.status != 409


def _started(answer: Answer, name: str) -> str:
    try:
        return str(UUID(str(answer.mapping().get("id"))))
    except (ValueError, Unavailable) as error:
        raise OutcomeUnknown(f"{name} took the package and did not tell the transfer's UUID.") from error


def _sip(value: object) -> str:
    if value == BACKLOG:
        return BACKLOG
    try:
        return str(UUID(str(value)))
    except ValueError:
        return ""


def _job(one: dict[str, Any]) -> Job:
    tasks = [task for task in one.get("tasks") or [] if isinstance(task, dict)]
    return Job(
        uuid=str(one.get("uuid") or ""),
        name=str(one.get("name") or "")[:300],
        status=str(one.get("status") or ""),
        microservice=str(one.get("microservice") or "")[:300],
        tasks=len(tasks),
        failed_tasks=sum(task.get("exit_code") not in (0, None) for task in tasks),
    )


def _results(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("results")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
