"""Warnings that the depositor confirms before a package is archived: who is asked, by which doors, and until when."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.test import Client as Browser

from checker.checking import check
from deposit.lifecycle import TransitionRefused
from deposit.metadata.entry import read_entry
from deposit.models import Collection, Deposit, Event, PartKind, Status
from deposit.refusals import Refusal
from deposit.services import confirmation, deposits
from deposit.services.expiry import notify
from deposit.services.parts import Submission
from deposit.services.submission import submit
from deposit.tasks import expire_partials
from tests.support.factories import acting_as, http_client, logged_in, new_client
from tests.support.lifecycle_fixtures import depositor, package, sent
from tests.support.notices import work_off
from tests.support.samples import atom_entry, create_origin, make_zip

pytestmark = pytest.mark.django_db(transaction=True)
DOUBTFUL = make_zip({"p/a": b"x", "p/.DS_Store": b"y"})
PLAIN = make_zip({"p/a": b"x"})


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def checked(deposit: Deposit) -> Deposit:
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    return deposit


def demanding(data: bytes = DOUBTFUL) -> Deposit:
    """A deposit that was checked, in a collection that demands to have warnings confirmed."""
    client, collection = depositor()
    Collection.objects.filter(pk=collection.pk).update(confirm_warnings=True)
    collection.refresh_from_db()
    return checked(sent(data, who=(client, collection)))


def codes(deposit: Deposit) -> list[str]:
    found = deposit.findings.filter(area="archive").order_by("id")
    return list(found.values_list("code", flat=True))


def api(deposit: Deposit) -> dict[str, Any]:
    told: dict[str, Any] = http_client(deposit.client).get(f"/api/deposits/{deposit.pk}/").json()
    return told


def test_a_package_with_warnings_waits_and_one_without_does_not() -> None:
    held, plain = demanding(), demanding(PLAIN)
    assert (held.status, plain.status) == (Status.PARTIAL, Status.VERIFIED)
    assert codes(held) == ["package.confirm", "package.warning.system-files"]
    assert (confirmation.is_held(held), confirmation.is_held(plain)) == (True, False)
    assert (api(held)["waits_for_confirmation"], api(plain)["waits_for_confirmation"]) == (True, False)


def test_where_nobody_demands_it_nobody_is_asked() -> None:
    deposit = checked(sent(DOUBTFUL))
    assert (deposit.status, codes(deposit)) == (Status.VERIFIED, ["package.warning.system-files"])


def test_a_package_that_is_wrong_is_rejected_all_the_same() -> None:
    deposit = demanding(DOUBTFUL[:-30])
    assert (deposit.status, codes(deposit)) == (Status.REJECTED, ["package.truncated"])


def test_the_api_confirms() -> None:
    deposit = demanding()
    http = http_client(deposit.client)
    address = f"/api/deposits/{deposit.pk}/actions/"
    answer = http.post(address, {"action": "confirm"}, content_type="application/json")
    assert (answer.status_code, answer.json()["status"]) == (200, "deposited")
    again = http.post(address, {"action": "confirm"}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "deposit.status")
    deposit = checked(deposit)
    assert (deposit.status, codes(deposit)) == (Status.VERIFIED, ["package.warning.system-files"])
    names = list(Event.objects.filter(deposit=deposit.pk).order_by("id").values_list("name", flat=True))
    assert names[-6:] == ["complete", "check", "hold", "confirm", "check", "verify"]


def test_in_progress_false_confirms_over_sword() -> None:
    deposit = demanding()
    address = f"/1/{deposit.collection.name}/{deposit.pk}/"
    http = http_client(deposit.client)
    status = http.get(f"{address}status/").content.decode()
    assert "Warning: These are files that macOS or Windows put beside yours" in status
    assert "deposit_waits_for>confirmation<" in status
    receipt = http.get(f"{address}atom/").content.decode()
    assert "Warning: These are files that macOS or Windows put beside yours" in receipt
    http.post(f"{address}metadata/", b"", content_type="", headers={"In-Progress": "false"})
    assert checked(deposit).status == Status.VERIFIED


def test_the_page_asks_and_confirms() -> None:
    deposit = demanding()
    browser = logged_in(deposit.client.user)
    page = browser.get(f"/deposits/{deposit.pk}/").content.decode()
    assert "Please look at this before it is archived" in page
    assert "__MACOSX" in page
    answer = browser.post(f"/deposits/{deposit.pk}/confirm/")
    assert (answer.status_code, answer["Location"]) == (302, f"/deposits/{deposit.pk}/")
    assert browser.post(f"/deposits/{deposit.pk}/confirm/").status_code == 302
    assert checked(deposit).status == Status.VERIFIED


def test_the_page_deletes_what_was_not_meant() -> None:
    deposit = demanding()
    assert logged_in(deposit.client.user).post(f"/deposits/{deposit.pk}/delete/").status_code == 302
    assert not Deposit.objects.filter(pk=deposit.pk).exists()


def test_another_package_is_judged_anew() -> None:
    deposit = demanding()
    for data, status in ((DOUBTFUL, Status.VERIFIED), (PLAIN, Status.VERIFIED)):
        other = demanding()
        deposits.replace(
            actor=acting_as(other.client),
            deposit=other,
            submission=Submission(package=package(data, "package.zip")),
            in_progress=False,
            kinds=(PartKind.PACKAGE,),
        )
        assert checked(other).status == status
    deposits.add(
        actor=acting_as(deposit.client),
        deposit=deposit,
        submission=Submission(package=package(make_zip({"q/Thumbs.db": b"x", "q/b": b""}), "more.zip")),
        in_progress=False,
    )
    assert (checked(deposit).status, codes(deposit)[0]) == (Status.PARTIAL, "package.confirm")


def test_a_depositor_may_ask_for_the_question() -> None:
    client, collection = depositor()
    http = http_client(client)
    headers = {"Content-Disposition": "attachment; filename=p.zip", "X-Confirm-Warnings": "true"}
    address = f"/1/{collection.name}/"
    made = http.post(address, DOUBTFUL, content_type="application/zip", headers=headers)
    assert made.status_code == 201, made.content
    deposit = Deposit.objects.get()
    assert deposit.confirm_warnings
    wrong = http.post(
        address, DOUBTFUL, content_type="application/zip", headers=headers | {"X-Confirm-Warnings": "maybe"}
    )
    assert wrong.status_code == 400


def test_only_the_depositor_confirms() -> None:
    deposit = demanding()
    other = new_client(deposit.collection)
    with pytest.raises(Refusal):
        confirmation.confirm(deposit_id=deposit.pk, actor=acting_as(other))
    with pytest.raises(TransitionRefused):
        confirmation.confirm(deposit_id=(plain := sent(complete=False)).pk, actor=acting_as(plain.client))
    assert Browser().post(f"/deposits/{deposit.pk}/confirm/").status_code in (302, 401, 403)
    deposit.refresh_from_db()
    assert confirmation.is_held(deposit)


def test_what_a_source_brings_does_not_wait() -> None:
    client, collection = depositor()
    Collection.objects.filter(pk=collection.pk).update(confirm_warnings=True)
    collection.refresh_from_db()
    made = submit(
        client=client,
        collection=collection,
        files=[package(DOUBTFUL)],
        entry=read_entry(atom_entry(create_origin("https://hal.example.org/soft"))),
        source="folder",
        key="a",
    )
    assert checked(made).status == Status.VERIFIED


def test_depositors_of_a_demanding_collection_are_told_by_mail() -> None:
    deposit = demanding()
    deposit.client.user.email = "ada@example.org"
    deposit.client.user.save()
    deposit.client.user.refresh_from_db()
    work_off()
    assert [each.subject for each in mail.outbox] == [
        f"Deposit {deposit.pk} waits for your confirmation: A program"
    ]


def test_who_never_answers_is_told_in_time_and_the_deposit_expires(settings: Any) -> None:
    settings.PARTIAL_EXPIRES_DAYS, settings.PARTIAL_NOTICE_DAYS = 60, 7
    deposit = demanding()
    # Begun long ago: the time counts from the question on.
    Deposit.objects.filter(pk=deposit.pk).update(reception_date=Now() - timedelta(days=100))
    expire_partials()
    assert (notify(), Deposit.objects.get().status) == (0, Status.PARTIAL)
    Deposit.objects.filter(pk=deposit.pk).update(status_changed_at=Now() - timedelta(days=54))
    assert notify() == 1
    expire_partials()
    assert Deposit.objects.get().status == Status.PARTIAL
    Deposit.objects.filter(pk=deposit.pk).update(status_changed_at=Now() - timedelta(days=61))
    expire_partials()
    assert Deposit.objects.get().status == Status.EXPIRED
