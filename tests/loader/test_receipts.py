"""Receipts are the last step of a delivery: a file or a webhook, once; where it fails a person decides."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from standardwebhooks.webhooks import Webhook

from deposit.actors import Channel, system_actor
from deposit.models import Delivery, Deposit, Event, ReceiptTarget, Status
from deposit.notices import receipt_targets
from deposit.refusals import Refusal
from deposit.services.deliveries import decide
from loader import receipts
from loader.workflow import load
from tests.loader.conftest import Loaded
from tests.support.buckets import address, bucket_server, s3
from tests.support.lifecycle_fixtures import depositor, pass_lease
from tests.support.webhook_receiver import Answer, Receiver, receiver

ACTOR = system_actor(Channel.COMMAND)


@pytest.fixture(name="hook")
def _hook(settings: Any) -> Any:
    with receiver() as held:
        settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
        yield held


def again(deposit: Deposit, times: int = 1) -> Deposit:
    for _ in range(times):
        pass_lease(deposit)
        load(deposit.pk, worker="another loader")
    deposit.refresh_from_db()
    return deposit


def test_a_file_is_written_from_a_template_when_all_is_delivered(loaded: Loaded, tmp_path: Path) -> None:
    who = depositor()
    receipt_targets.add(
        actor=ACTOR,
        collection=who[1].name,
        place=str(tmp_path / "receipts"),
        template={
            "identifier": "{deposit}",
            "accepted": True,
            "message": "{title} is at {swhid}",
            "all": ["{identifiers}"],
        },
        file_name="Receipt_{external_id}/../{delivery}.json",
    )
    deposit = loaded(who=who)
    assert deposit.status == Status.DONE
    (path,) = (tmp_path / "receipts").iterdir()
    delivery = Delivery.objects.get()
    assert path.name == f"Receipt_-..-{delivery.pk}.json"
    written = json.loads(path.read_text())
    assert (written["identifier"], written["accepted"]) == (deposit.pk, True)
    assert written["message"] == f"{deposit.title} is at {deposit.swhid}"
    assert {one["scheme"] for one in written["all"][0]} == {
        "swhid-directory",
        "swhid-release",
        "swhid-snapshot",
    }
    assert list(delivery.activities.values_list("name", "state")) == [
        ("archive", "done"),
        (receipts.NAME, "done"),
    ]


def test_a_file_lies_in_a_bucket_too(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    who = depositor()
    with bucket_server() as endpoint:
        storage = s3(endpoint)
        storage.create_bucket(Bucket="receipts")
        receipt_targets.add(
            actor=ACTOR, collection=who[1].name, place=address(endpoint, "receipts", "of/deposits")
        )
        deposit = loaded(who=who)
        assert deposit.status == Status.DONE
        key = f"of/deposits/receipt-{deposit.pk}-{Delivery.objects.get().pk}.json"
        written = json.loads(storage.get_object(Bucket="receipts", Key=key)["Body"].read())
    assert (written["deposit"], written["swhid"]) == (deposit.pk, deposit.swhid)


def test_a_webhook_is_signed_and_tried_again_with_the_same_id(loaded: Loaded, hook: Receiver) -> None:
    who = depositor()
    _, secret = receipt_targets.add(actor=ACTOR, collection=who[1].name, place=hook.url)
    hook.answer = lambda request: Answer(status=503)
    deposit = loaded(who=who)
    assert deposit.status == Status.LOADING
    hook.answer = lambda request: Answer()
    assert again(deposit).status == Status.DONE
    body = Webhook(secret).verify(hook.requests[-1].body, hook.requests[-1].headers)
    assert (body["deposit"], body["swhid"]) == (deposit.pk, deposit.swhid)
    assert (len(hook.requests), len(set(hook.ids()))) == (2, 1)


@pytest.mark.parametrize(
    ("option", "status", "requests"),
    [("without_receipt", Status.DONE, 0), ("abandon", Status.FAILED, 0), ("retry", Status.DONE, 1)],
)
def test_a_person_decides_when_it_fails(
    loaded: Loaded, hook: Receiver, option: str, status: Status, requests: int
) -> None:
    who = depositor()
    receipt_targets.add(actor=ACTOR, collection=who[1].name, place=hook.url)
    hook.answer = lambda request: Answer(status=500)
    deposit = again(loaded(who=who), receipts.ATTEMPTS - 1)
    delivery = Delivery.objects.get()
    assert (delivery.state, sorted(delivery.question["options"])) == (
        "asking",
        ["abandon", "retry", "without_receipt"],
    )
    # It is looked at again, and people are told once.
    again(deposit, 2)
    assert Event.objects.filter(deposit=deposit, name="ask").count() == 1
    hook.requests.clear()
    hook.answer = lambda request: Answer()
    decide(delivery_id=delivery.pk, option=option, actor=ACTOR)
    assert again(deposit).status == status
    assert len(hook.requests) == requests


def test_an_answer_is_heeded_once_and_asked_for_anew(loaded: Loaded, hook: Receiver) -> None:
    who = depositor()
    receipt_targets.add(actor=ACTOR, collection=who[1].name, place=hook.url)
    hook.answer = lambda request: Answer(status=500)
    deposit = again(loaded(who=who), receipts.ATTEMPTS - 1)
    decide(delivery_id=Delivery.objects.get().pk, option="retry", actor=ACTOR)
    again(deposit, receipts.ATTEMPTS)
    assert Delivery.objects.get().state == "asking"


def test_a_target_that_is_removed_meanwhile_ends_the_question(loaded: Loaded, hook: Receiver) -> None:
    who = depositor()
    target, _ = receipt_targets.add(actor=ACTOR, collection=who[1].name, place=hook.url)
    hook.answer = lambda request: Answer(status=500)
    deposit = loaded(who=who)
    receipt_targets.remove(actor=ACTOR, target_id=target.pk)
    assert again(deposit).status == Status.DONE


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"place": "relative/folder"},
        {"place": "http://example.org/"},
        {"place": "/srv/x", "template": {"a": "{secret}"}},
        {"place": "/srv/x", "file_name": "receipt.json"},
        {"place": "/srv/x", "destination": "nowhere"},
        {"place": "/srv/x", "collection": "nowhere"},
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, Any]) -> None:
    chosen = {"collection": depositor()[1].name, **wrong}
    with pytest.raises(Refusal):
        receipt_targets.add(actor=ACTOR, **chosen)
    assert not ReceiptTarget.objects.exists()


@pytest.mark.django_db
def test_the_command_adds_lists_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = depositor()[1].name
    call_command("receipt", "add", "--collection", name, "--to", str(tmp_path), "--json")
    added = json.loads(capsys.readouterr().out)
    call_command("receipt", "list", "--json")
    assert json.loads(capsys.readouterr().out) == [added]
    call_command("receipt", "remove", "--id", str(added["id"]), "--json")
    assert not ReceiptTarget.objects.exists()
