"""Our client of the dashboard: what it asks, and what kind of failure each answer is."""

import base64
import json
from pathlib import Path

import pytest

from loader.destinations.archivematica.dashboard import BACKLOG, Dashboard, Probe, StartRequest, UnitState
from loader.destinations.archivematica.errors import NotYet, OutcomeUnknown, Refused, RemoteError, Unavailable
from loader.destinations.archivematica.http import Api
from tests.support.archivematica import KEY, USER, Archivematica
from tests.support.archivematica_state import PROCESSING, Script

START = StartRequest(name="one", path="one", location="")


@pytest.fixture
def request_(double: Archivematica, source: Path) -> StartRequest:
    """A package that lies in the transfer source."""
    (source / "one" / "objects").mkdir(parents=True)
    (source / "one" / "objects" / "é.txt").write_text("é")
    return StartRequest(name="one", path="one", location=double.location, processing_config="automated")


def test_it_finds_out_who_answers(dashboard: Dashboard, double: Archivematica) -> None:
    assert dashboard.probe() == Probe(remote_id=double.id, version="1.17.0")


@pytest.mark.parametrize(
    ("version", "takes_keys"),
    [
        ("1.17.0", False),
        ("Archivematica-1.18", False),
        ("1.19.0", True),
        ("Archivematica-1.19", True),
        ("2.0", True),
        ("", False),
        ("qa", False),
    ],
)
def test_a_key_is_of_use_from_1_19_on(version: str, takes_keys: bool) -> None:
    assert Probe(remote_id="", version=version).is_idempotent is takes_keys


def test_it_hands_a_package_over(dashboard: Dashboard, double: Archivematica, request_: StartRequest) -> None:
    identifier = dashboard.start(request_)

    assert [transfer.uuid for transfer in double.transfers] == [identifier]
    asked = double.requests[-1]
    body = json.loads(asked.body)
    assert base64.b64decode(body.pop("path")).decode() == f"{double.location}:one"
    assert body == {
        "name": "one",
        "type": "standard",
        "auto_approve": True,
        "processing_config": "automated",
    }
    assert "idempotency-key" not in asked.headers
    assert KEY not in asked.path


def test_a_repeated_key_is_one_transfer(source: Path) -> None:
    (source / "one").mkdir()
    with Archivematica(source, version="1.19.1") as double:
        with Api(name="The dashboard", url=double.url, user=USER, key=KEY) as api:
            request = StartRequest(name="one", path="one", location=double.location)
            double.fail("POST", drop_after=True)
            with pytest.raises(OutcomeUnknown):
                Dashboard(api).start(request, idempotency_key="run 1")

            identifier = Dashboard(api).start(request, idempotency_key="run 1")

        assert [transfer.uuid for transfer in double.transfers] == [identifier]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"status": 500}, OutcomeUnknown),
        ({"status": 502}, OutcomeUnknown),
        ({"drop": True}, OutcomeUnknown),
        ({"drop_after": True}, OutcomeUnknown),
        ({"body": b"<html>"}, OutcomeUnknown),
        ({"body": b'{"id": "none"}'}, OutcomeUnknown),
        ({"status": 400}, Refused),
        ({"status": 401}, Refused),
        ({"status": 403}, Refused),
        ({"status": 404}, Refused),
        ({"status": 422}, Refused),
        ({"status": 409}, Unavailable),
        ({"status": 429}, Unavailable),
    ],
)
def test_how_a_start_fails(
    dashboard: Dashboard,
    double: Archivematica,
    request_: StartRequest,
    fault: dict[str, object],
    failure: type[RemoteError],
) -> None:
    double.fail("POST /api/v2beta/package", **fault)

    with pytest.raises(failure) as caught:
        dashboard.start(request_)

    assert type(caught.value) is failure
    assert KEY not in str(caught.value)


def test_a_start_that_reached_nobody_may_be_sent_again() -> None:
    with (
        Api(name="The dashboard", url="http://127.0.0.1:9", user=USER, key=KEY) as api,
        pytest.raises(Unavailable),
    ):
        Dashboard(api).start(START)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"status": 400}, NotYet),
        ({"status": 500}, Unavailable),
        ({"status": 503}, Unavailable),
        ({"drop": True}, Unavailable),
        ({"body": b"<html>"}, Unavailable),
        ({"body": b"[]"}, Unavailable),
        ({"seconds": 3.0}, Unavailable),
        ({"status": 401}, Refused),
        ({"status": 403}, Refused),
        ({"status": 404}, Refused),
        ({"status": 422}, Refused),
        ({"status": 301}, Refused),
    ],
)
def test_how_a_question_fails(
    dashboard: Dashboard, double: Archivematica, fault: dict[str, object], failure: type[RemoteError]
) -> None:
    double.fail("GET /api/transfer/status", **fault)

    with pytest.raises(failure) as caught:
        dashboard.transfer("0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60")

    assert type(caught.value) is failure


def test_a_transfer_is_followed_to_its_sip(
    dashboard: Dashboard, double: Archivematica, request_: StartRequest
) -> None:
    identifier = dashboard.start(request_)
    with pytest.raises(NotYet):
        dashboard.transfer(identifier)
    assert dashboard.transfer(identifier).state is UnitState.PROCESSING

    done = dashboard.transfer(identifier)

    assert (done.state, done.sip, done.name) == (UnitState.COMPLETE, double.transfers[0].sip, "one")
    with pytest.raises(NotYet):
        dashboard.ingest(done.sip)
    assert dashboard.ingest(done.sip).state is UnitState.PROCESSING
    assert [(job.name, job.status) for job in dashboard.jobs(done.sip)] == [
        ("Verify transfer compliance", "COMPLETE"),
        ("Characterize and extract metadata", "PROCESSING"),
    ]


@pytest.mark.parametrize(
    ("words", "state", "sip"),
    [
        (("COMPLETE",), UnitState.COMPLETE, ""),
        (("BACKLOG",), UnitState.COMPLETE, BACKLOG),
        (("USER_INPUT",), UnitState.USER_INPUT, ""),
        (("FAILED",), UnitState.FAILED, ""),
        (("REJECTED",), UnitState.REJECTED, ""),
        (("something else",), UnitState.UNKNOWN, ""),
    ],
)
def test_what_a_transfer_may_say(
    dashboard: Dashboard,
    double: Archivematica,
    request_: StartRequest,
    words: tuple[str, ...],
    state: UnitState,
    sip: str,
) -> None:
    double.script("one", Script(transfer=words))
    identifier = dashboard.start(request_)

    unit = dashboard.transfer(identifier)

    assert (unit.state, unit.sip) == (state, sip)


def test_what_waits_for_a_person_is_told_by_name(
    dashboard: Dashboard, double: Archivematica, request_: StartRequest
) -> None:
    double.script("one", Script(transfer=("USER_INPUT",)))
    identifier = dashboard.start(request_)
    dashboard.transfer(identifier)

    assert list(dashboard.names_that_wait()) == [(identifier, "one")]


def test_only_what_has_ended_is_hidden(
    dashboard: Dashboard, double: Archivematica, request_: StartRequest
) -> None:
    double.script("one", Script(transfer=(PROCESSING, "DONE")))
    identifier = dashboard.start(request_)
    dashboard.transfer(identifier)
    assert dashboard.hide("transfer", identifier) is False
    dashboard.transfer(identifier)

    assert dashboard.hide("transfer", identifier) is True


def test_an_answer_without_end_is_given_up(double: Archivematica, dashboard: Dashboard) -> None:
    double.fail("GET /api/processing", body=b" " * (17 * 1024 * 1024))

    with pytest.raises(Unavailable):
        dashboard.processing_configurations()
