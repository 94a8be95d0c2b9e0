"""The JSON API: who sees what, pages, filters, actions, problems, and the document that describes it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as HttpClient

from deposit.models import Client, Collection, Deposit, Status
from tests.support.factories import PASSWORD, basic, http_client, new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import in_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def operators(db: None) -> HttpClient:
    user = User.objects.create_user("olga", password=PASSWORD)
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    return HttpClient(headers={"Authorization": basic("olga")})


def problem(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


def post(http: HttpClient, path: str, body: Any) -> Any:
    return http.post(path, body, content_type="application/json")


def test_nobody_gets_in_without_credentials(db: None) -> None:
    response = HttpClient().get("/api/deposits/")
    assert problem(response) == (401, "auth.missing")
    assert response["WWW-Authenticate"].startswith("Basic")


def test_a_depositor_lists_its_own_deposits_by_pages(
    http: HttpClient, depositor: Client, collection: Collection
) -> None:
    made = [new_deposit(depositor, collection).pk for _ in range(5)]
    new_deposit(new_client(collection), collection)
    found, url = [], "/api/deposits/?page_size=2"
    while url:
        page = http.get(url).json()
        found.append([one["id"] for one in page["results"]])
        url = page["next"]
    assert found == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


def test_lists_take_the_filters_of_the_dashboard(
    http: HttpClient, depositor: Client, collection: Collection
) -> None:
    wanted = new_deposit(depositor, collection, title="Analytical Engine")
    new_deposit(depositor, collection)
    for query in ("q=engine", f"q={wanted.pk}", "q=analyt&status=partial&status=done"):
        assert [one["id"] for one in http.get(f"/api/deposits/?{query}").json()["results"]] == [wanted.pk]
    refused = http.get("/api/deposits/?status=nonsense")
    assert problem(refused) == (400, "request.invalid")
    assert list(refused.json()["errors"]) == ["status"]


def test_a_deposit_is_told_whole(http: HttpClient, depositor: Client, collection: Collection) -> None:
    deposit = in_status(Status.DONE)
    Deposit.objects.filter(pk=deposit.pk).update(client=depositor, collection=collection)
    deposit.refresh_from_db()
    told = http.get(f"/api/deposits/{deposit.pk}/").json()
    assert (told["status"], told["client"], told["collection"]) == ("done", "hal", "hal")
    assert (told["swhid"], told["findings"], told["parts"]) == (deposit.swhid, [], [])
    events = http.get(f"/api/deposits/{deposit.pk}/events/").json()["results"]
    assert [event["name"] for event in events] == ["complete", "check", "verify", "start", "finish"]


def test_a_foreign_deposit_and_a_missing_one_are_the_same(http: HttpClient, collection: Collection) -> None:
    foreign = new_deposit(new_client(collection), collection)
    for pk in (foreign.pk, foreign.pk + 1000):
        for path in ("", "events/"):
            assert problem(http.get(f"/api/deposits/{pk}/{path}")) == (404, "deposit.unknown")
        refused = post(http, f"/api/deposits/{pk}/actions/", {"action": "expire"})
        assert problem(refused) == (404, "deposit.unknown")


def act(http: HttpClient, deposit: Deposit, action: str) -> Any:
    return post(http, f"/api/deposits/{deposit.pk}/actions/", {"action": action})


def test_an_operator_acts_and_a_second_time_is_told_why_not(operators: HttpClient) -> None:
    deposit = in_status(Status.FAILED)
    response = act(operators, deposit, "reschedule")
    assert (response.status_code, response.json()["status"]) == (200, "verified")
    assert problem(act(operators, deposit, "reschedule")) == (409, "deposit.status")
    assert problem(act(operators, deposit, "destroy")) == (400, "request.invalid")


def test_a_depositor_may_not_act(http: HttpClient, depositor: Client, collection: Collection) -> None:
    deposit = in_status(Status.FAILED)
    Deposit.objects.filter(pk=deposit.pk).update(client=depositor, collection=collection)
    assert problem(act(http, deposit, "reschedule")) == (403, "auth.role")
    assert Deposit.objects.get().status == "failed"


def test_collections_are_those_one_deposits_into(http: HttpClient, collection: Collection) -> None:
    new_collection("foreign")
    assert [one["name"] for one in http.get("/api/collections/").json()["results"]] == ["hal"]


def test_statistics_count_what_the_caller_sees(
    http: HttpClient, depositor: Client, collection: Collection
) -> None:
    new_deposit(depositor, collection)
    new_deposit(new_client(collection), collection)
    figures = http.get("/api/statistics/").json()
    assert {one["status"]: one["number"] for one in figures["queues"]} == {
        "deposited": 0,
        "verified": 0,
        "loading": 0,
        "partial": 1,
        "expired": 0,
        "rejected": 0,
        "failed": 0,
    }
    assert len(figures["days"]) == 30
    assert figures["days"][-1]["statuses"] == {"partial": 1}


def test_health_is_for_operators_and_says_what_to_do(http: HttpClient, operators: HttpClient) -> None:
    assert problem(http.get("/api/health/")) == (403, "auth.role")
    in_status(Status.FAILED)
    told = {one["code"]: one for one in operators.get("/api/health/").json()}
    assert told["dispatcher.away"]["severity"] == "error"
    assert "manage.py dispatch" in told["dispatcher.away"]["sentence"]


def test_nothing_of_others_is_known_to_a_depositor(http: HttpClient) -> None:
    swhid = "swh:1:cnt:" + "0" * 40
    path = "/api/archive/known/"
    assert post(http, path, {"swhids": [swhid]}).json() == {swhid: {"known": False}}
    assert problem(post(http, path, {"swhids": ["x"]})) == (400, "archive.swhid")
    assert post(http, path, {"swhids": [swhid] * 1000}).json() == {swhid: {"known": False}}
    assert problem(post(http, path, {"swhids": [swhid] * 1001})) == (400, "request.invalid")
    assert problem(post(http, path, "{")) == (400, "request.parse_error")


def test_unknown_paths_and_methods_are_problems_too(http: HttpClient) -> None:
    assert problem(http.get("/api/nothing/")) == (404, "path.unknown")
    assert problem(http.delete("/api/deposits/")) == (405, "request.method_not_allowed")


def test_what_the_framework_refuses_is_a_problem_too(
    http: HttpClient, depositor: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = http.post("/api/archive/known/", b"x", content_type="text/csv")
    assert problem(form) == (415, "request.unsupported_media_type")
    settings.ALLOWED_HOSTS = ["elsewhere.example.org"]
    assert problem(http.get("/api/deposits/")) == (400, "request.bad_request")
    settings.ALLOWED_HOSTS = ["testserver"]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("deposit.monitoring.statistics.queues", fail)
    http.raise_request_exception = False
    assert problem(http.get("/api/statistics/")) == (500, "request.internal_server_error")


def test_figures_are_told_by_day_and_by_name(
    http: HttpClient, operators: HttpClient, depositor: Client, collection: Collection
) -> None:
    in_status(Status.DONE, new_deposit(depositor, collection, origin_url="https://hal.example.org/a"))
    in_status(Status.REJECTED, new_deposit(new_client(collection), collection))
    mine = http.get("/api/statistics/figures/").json()
    assert (len(mine["rows"]), mine["complete"]) == (30, True)
    assert (mine["rows"][-1]["tally"]["received"], mine["whole"]["done"]) == (1, 1)
    named = operators.get("/api/statistics/figures/?by=collection").json()["rows"]
    assert [(row["name"], row["tally"]["rejected"]) for row in named] == [(collection.name, 1)]
    one = operators.get(f"/api/statistics/figures/?by=week&client={depositor.user.username}").json()
    assert one["whole"]["received"] == 1


@pytest.mark.parametrize(
    "query", ["by=moon", "since=x", "since=2026-02-01&until=2026-01-01", "since=1000-01-01"]
)
def test_figures_that_nobody_has_are_a_problem(http: HttpClient, query: str) -> None:
    assert problem(http.get(f"/api/statistics/figures/?{query}")) == (400, "request.invalid")


def test_a_browsers_session_reads_but_writes_only_with_its_token(depositor: Client) -> None:
    browser = HttpClient(enforce_csrf_checks=True)
    browser.force_login(depositor.user)
    assert browser.get("/api/deposits/").status_code == 200
    response = browser.post("/api/archive/known/", {"swhids": []}, content_type="application/json")
    assert problem(response) == (403, "request.permission_denied")


def test_the_document_describes_every_path(db: None) -> None:
    document = json.loads(HttpClient().get("/api/openapi.json").content)
    assert sorted(document["paths"]) == [
        "/api/archive/known/",
        "/api/batches/",
        "/api/batches/{id}/",
        "/api/batches/{id}/cancel/",
        "/api/check/",
        "/api/collections/",
        "/api/deletions/",
        "/api/deletions/{id}/",
        "/api/deletions/{id}/approve/",
        "/api/deletions/{id}/cancel/",
        "/api/deletions/{id}/reject/",
        "/api/deletions/{id}/report/",
        "/api/deliveries/",
        "/api/deliveries/bulk/",
        "/api/deliveries/{id}/",
        "/api/deliveries/{id}/abandon/",
        "/api/deliveries/{id}/cancel/",
        "/api/deliveries/{id}/decide/",
        "/api/deliveries/{id}/reconcile/",
        "/api/deliveries/{id}/retry/",
        "/api/deposits/",
        "/api/deposits/{deposit_id}/deliveries/",
        "/api/deposits/{deposit_id}/exports/{name}",
        "/api/deposits/{id}/",
        "/api/deposits/{id}/actions/",
        "/api/deposits/{id}/events/",
        "/api/health/",
        "/api/notices/",
        "/api/notices/{id}/",
        "/api/notices/{id}/replay/",
        "/api/packages/",
        "/api/packages/download/",
        "/api/packages/file/",
        "/api/pipelines/",
        "/api/pipelines/{name}/",
        "/api/pipelines/{name}/check/",
        "/api/pipelines/{name}/free/",
        "/api/pipelines/{name}/pause/",
        "/api/pipelines/{name}/resume/",
        "/api/queue/",
        "/api/queue/summary/",
        "/api/queue/{id}/",
        "/api/queue/{id}/cancel/",
        "/api/queue/{id}/retry/",
        "/api/sources/",
        "/api/sources/{name}/",
        "/api/sources/{name}/events/",
        "/api/sources/{name}/items/",
        "/api/statistics/",
        "/api/statistics/figures/",
        "/api/subscriptions/",
        "/api/subscriptions/{id}/",
        "/api/subscriptions/{id}/replay/",
        "/api/subscriptions/{id}/resume/",
        "/api/subscriptions/{id}/rotate/",
        "/api/subscriptions/{id}/test/",
    ]
    names = [one["name"] for one in document["paths"]["/api/deposits/"]["get"]["parameters"]]
    assert sorted(names) == sorted(
        ["client", "collection", "cursor", "page_size", "pipeline", "q", "since", "status", "type", "until"]
    )


def test_the_page_that_shows_it_takes_nothing_from_elsewhere(db: None) -> None:
    response = HttpClient().get("/api/")
    assert response.status_code == 200
    assert b"//cdn" not in response.content
    assert "script-src 'self';" in response["Content-Security-Policy"]


def test_lists_cost_the_same_queries_for_one_deposit_and_for_three(
    depositor: Client, collection: Collection, django_assert_num_queries: Any
) -> None:
    http = http_client(depositor)
    http.get("/api/deposits/")
    new_deposit(depositor, collection)
    with django_assert_num_queries(5):
        http.get("/api/deposits/")
    new_deposit(depositor, collection)
    new_deposit(depositor, collection)
    with django_assert_num_queries(5):
        http.get("/api/deposits/")
