"""What operators and curators do: look first, then act; and what nobody else can."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from deposit.models import Client, Collection, Curatorship, Deposit, Status
from tests.dashboard.conftest import sent, worked_on
from tests.support.factories import logged_in, new_client, new_deposit
from tests.support.lifecycle_fixtures import in_status

pytestmark = pytest.mark.django_db


def act(browser: Browser, action: str, *deposits: Deposit) -> list[str]:
    """Do it, and read what the next page says."""
    response = browser.post(
        "/deposits/action/do/", {"action": action, "id": [deposit.pk for deposit in deposits]}, follow=True
    )
    assert response.status_code == 200
    return [str(message) for message in response.context["messages"]]


def failed(number: int) -> list[Deposit]:
    return [in_status(Status.FAILED) for _ in range(number)]


def test_an_operator_reschedules_fifty_failed_deposits(operators_browser: Browser) -> None:
    deposits = failed(50)
    preview = operators_browser.get(
        "/deposits/action/", {"action": "reschedule", "scope": "filter", "status": "failed"}
    ).context["preview"]
    assert {deposit.pk for deposit in preview.ready} == {deposit.pk for deposit in deposits}
    assert act(operators_browser, "reschedule", *preview.ready) == ["Load again: ordered for 50 deposits."]
    assert set(Deposit.objects.values_list("status", flat=True)) == {"verified"}


def test_the_preview_changes_nothing_and_tells_what_would_be_refused(operators_browser: Browser) -> None:
    good, bad = in_status(Status.FAILED), in_status(Status.REJECTED)
    seen = operators_browser.get(
        "/deposits/action/", {"action": "reschedule", "id": [str(good.pk), str(bad.pk)]}
    ).context["preview"]
    assert [deposit.pk for deposit in seen.ready] == [good.pk]
    assert [(deposit.pk, reason) for deposit, reason in seen.refused] == [
        (bad.pk, "It is rejected; this is for deposits that are done, failed.")
    ]
    assert sorted(Deposit.objects.values_list("status", flat=True)) == ["failed", "rejected"]


def test_what_the_preview_lets_pass_is_what_the_services_do(operators_browser: Browser) -> None:
    """The preview foretells every action on every status."""
    for action in ("reschedule", "recheck", "expire"):
        for status in Status:
            deposit = in_status(status)
            seen = operators_browser.get("/deposits/action/", {"action": action, "id": deposit.pk}).context[
                "preview"
            ]
            act(operators_browser, action, deposit)
            before, deposit = deposit.status, Deposit.objects.get(pk=deposit.pk)
            assert (deposit.status != before) == bool(seen.ready), (action, status)


def test_one_refusal_does_not_stop_the_others(operators_browser: Browser) -> None:
    first, wrong, last = in_status(Status.FAILED), in_status(Status.PARTIAL), in_status(Status.FAILED)
    said = act(operators_browser, "reschedule", first, wrong, last)
    assert said[0] == "Load again: ordered for 2 deposits."
    assert f"Deposit {wrong.pk} has status 'partial'" in said[1]


def test_a_rejected_deposit_is_checked_again(operators_browser: Browser, depositor: Client) -> None:
    deposit = worked_on(sent(depositor, files={"../escape": b"x"}))
    assert deposit.status == "rejected"
    assert act(operators_browser, "recheck", deposit) == ["Check again: ordered for 1 deposit."]
    deposit.refresh_from_db()
    assert (deposit.status, deposit.findings.count()) == ("deposited", 0)


def test_a_depositor_is_offered_nothing_and_can_do_nothing(browser: Browser, depositor: Client) -> None:
    deposit = worked_on(sent(depositor))
    assert browser.get("/deposits/").context["actions"] == []
    assert browser.get(f"/deposits/{deposit.pk}/").context["actions"] == []
    refused = "may not have this deposit loaded again: that is for operators and administrators."
    assert refused in act(browser, "reschedule", deposit)[0]
    deposit.refresh_from_db()
    assert deposit.status == "done"


def test_nobody_learns_of_a_foreign_deposit_by_acting_on_it(browser: Browser, collection: Collection) -> None:
    foreign = new_deposit(new_client(collection), collection)
    response = browser.post("/deposits/action/do/", {"action": "expire", "id": foreign.pk}, follow=True)
    assert list(response.context.get("messages") or []) == []
    foreign.refresh_from_db()
    assert foreign.status == "partial"


def test_a_curator_acts_in_the_own_collection_only(db: None, collection: Collection) -> None:
    curator = User.objects.create_user("carla")
    Curatorship.objects.create(user=curator, collection=collection)
    inside, outside = new_deposit(new_client(collection), collection), new_deposit()
    browser = logged_in(curator)
    assert [action.name for action in browser.get("/deposits/").context["actions"]] == ["recheck", "expire"]
    act(browser, "expire", inside)
    browser.post("/deposits/action/do/", {"action": "expire", "id": outside.pk})
    assert [Deposit.objects.get(pk=one.pk).status for one in (inside, outside)] == ["expired", "partial"]


def test_an_action_that_does_not_exist_is_refused_in_words(operators_browser: Browser) -> None:
    response = operators_browser.get("/deposits/action/?action=destroy&id=1")
    assert response.status_code == 400
    assert b"There is no such action." in response.content


def test_a_form_from_elsewhere_is_refused(operator: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(operator)
    deposit = in_status(Status.FAILED)
    response = browser.post("/deposits/action/do/", {"action": "reschedule", "id": deposit.pk})
    assert response.status_code == 403
    deposit.refresh_from_db()
    assert deposit.status == "failed"
