"""Health, readiness and figures, and who is told what."""

import json
import re
from pathlib import Path

import pytest
from django.test import Client as HttpClient
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from deposit.lifecycle import Work
from deposit.models import Client, Status
from deposit.monitoring import heartbeats
from deposit.monitoring.snapshot import counted, read_snapshot
from tests.support.factories import new_deposit
from tests.support.lifecycle_fixtures import claimed, in_status

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
PROXIED = {"X-Forwarded-For": "203.0.113.9"}


def figures_of(text: str) -> dict[tuple[str, ...], float]:
    """Name and values of the labels, by the labels' names, to value; parsed as Prometheus would."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def staged(settings: Settings, tmp_path: Path) -> Path:
    """Folders of our own."""
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path), str(tmp_path)
    counted.forget()
    return tmp_path


@pytest.mark.django_db
def test_alive_and_ready_service_says_ok(client: HttpClient) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "ok"})
    assert client.get("/readyz").json() == {"status": "ok", "reasons": []}


@pytest.mark.django_db
def test_service_without_its_staging_folder_is_not_ready(client: HttpClient, settings: Settings) -> None:
    settings.STAGING_ROOT = "/nowhere/at/all"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == [
        "The folder of the staging area is away: is its disk mounted? `manage.py check --deploy` says more."
    ]


@pytest.mark.django_db
def test_strangers_are_told_neither_reasons_nor_figures(client: HttpClient, settings: Settings) -> None:
    settings.STAGING_ROOT = "/nowhere/at/all"
    assert client.get("/readyz", headers=PROXIED).json() == {"status": "unavailable"}
    assert client.get("/metrics", headers=PROXIED).status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404


@pytest.mark.django_db
def test_metrics_token_opens_from_anywhere_and_its_lack_closes_everywhere(
    client: HttpClient, settings: Settings
) -> None:
    settings.METRICS_TOKEN = "open sesame"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    bearer = {"Authorization": "Bearer open sesame", **PROXIED}
    assert client.get("/metrics", headers=bearer).status_code == 200


@pytest.mark.django_db
def test_metrics_count_requests_by_view_and_status(client: HttpClient) -> None:
    key = ("deposit_http_requests_total", "GET", "401", "sword:service-document")
    before = figures_of(client.get("/metrics").text).get(key, 0)
    client.get("/1/servicedocument/")
    after = figures_of(client.get("/metrics").text)
    assert after[key] == before + 1
    assert after["deposit_http_request_seconds_count", "GET", "sword:service-document"] >= 1


@pytest.mark.django_db
def test_metrics_tell_what_waits_and_who_works_on_it(client: HttpClient, depositor: Client) -> None:
    deposits = [new_deposit(depositor, depositor.collections.get()) for _ in range(3)]
    for deposit in deposits:
        in_status(Status.DEPOSITED, deposit)
    claimed(Work.CHECK, deposits[0])
    heartbeats.beat("checker@here", "check,housekeeping", begins=True)
    found = figures_of(client.get("/metrics").text)
    assert found["deposit_deposits", "deposited"] == 3
    assert found["deposit_deposits", "done"] == 0
    assert found["deposit_leases", "held"] == 1
    assert [found["deposit_work_items", "check", state] for state in ("working", "waiting")] == [1, 2]
    assert found["deposit_leases", "lapsed"] == 0
    assert found[("deposit_dispatcher_up",)] == 0
    assert [found["deposit_workers", queue] for queue in heartbeats.QUEUES] == [1, 0, 1, 0]
    assert found[("deposit_database_up",)] == 1
    assert found["deposit_disk_free_bytes", "staging"] > 0


@pytest.mark.django_db
def test_figures_cost_the_same_queries_for_one_deposit_and_for_three(
    depositor: Client, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(2):
        new_deposit(depositor, depositor.collections.get())
        counted.forget()
        with django_assert_num_queries(12):  # type: ignore[operator]
            read_snapshot()


@pytest.mark.django_db
def test_request_keeps_the_id_of_its_proxy_and_gets_one_otherwise(client: HttpClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-123-def"})["X-Request-ID"] == "abc-123-def"
    forged = client.get("/healthz", headers={"X-Request-ID": "a b\tc=1 level=forged"})["X-Request-ID"]
    assert len(forged) == 16
    assert json.loads(client.get("/healthz").content) == {"status": "ok"}


@pytest.mark.django_db
def test_alert_rules_and_dashboard_ask_for_figures_that_exist(client: HttpClient) -> None:
    client.get("/healthz")
    # A figure by destination is announced, and has no line before the first delivery.
    told = set(re.findall(r"^(?:# TYPE )?(deposit_[a-z_]+)", client.get("/metrics").text, flags=re.MULTILINE))
    # There is none before the first fixity check.
    told.add("deposit_archive_fixity_age_seconds")
    files = (DEPLOY / "prometheus" / "deposit.rules.yml", DEPLOY / "grafana" / "deposit.json")
    for file in files:
        asked = set(re.findall(r"\bdeposit_[a-z_]+", file.read_text()))
        assert asked - told == set()
