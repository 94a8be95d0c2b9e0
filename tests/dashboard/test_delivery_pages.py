"""The pages of deliveries, pipelines and batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as HttpClient

from deposit.actors import Channel, system_actor
from deposit.models import Delivery
from sources.batches import services
from sources.batches.models import Batch
from tests.loader.destinations.archivematica.delivering import Delivering, delivery_of
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import PROCESSING, Script
from tests.support.factories import logged_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivering(tmp_path: Path, settings: Any) -> Iterator[Delivering]:
    """A collection whose deposits go through a pipeline."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    (tmp_path / "source").mkdir()
    with Archivematica(tmp_path / "source") as double:
        yield Delivering(double, tmp_path, capacity=3)


def somebody(*permissions: str) -> HttpClient:
    """A browser in which somebody with these permissions has logged in."""
    user = User.objects.create(username="olga")
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return logged_in(user)


def page(browser: HttpClient, path: str) -> str:
    """What a page says."""
    response = browser.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_what_is_delivered_is_seen_on_every_page(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    at_work = delivering.look(delivering.deposit())
    operator = somebody("operate")

    listed, one = page(operator, "/deliveries/"), page(operator, f"/deliveries/{delivery.pk}/")
    pipelines, deposits = page(operator, "/pipelines/"), page(operator, "/deposits/?pipeline=main")

    assert f'href="/deliveries/{at_work.pk}/"' in listed
    assert "Characterize and extract metadata: complete" in one
    assert delivering.double.transfers[0].sip in one
    assert "1 of 3 places are taken" in pipelines
    assert delivering.double.transfers[1].uuid in pipelines
    assert deposits.count("· started") == 2
    assert deposits.count("· stored") == 1
    assert "No deposit fits" in page(operator, "/deposits/?pipeline=other")
    assert "No delivery fits" in page(operator, "/deliveries/?state=failed")


def test_operators_see_what_would_happen_before_it_does(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    delivery = delivering.look(delivering.deposit())
    operator = somebody("operate")

    preview = page(operator, "/deliveries/action/?verb=cancel&scope=filter&pipeline=main")
    assert f'name="id" value="{delivery.pk}"' in preview
    assert not Delivery.objects.exclude(wish="").exists()
    operator.post("/deliveries/action/do/", {"verb": "cancel", "id": delivery.pk})

    assert Delivery.objects.get(pk=delivery.pk).wish == "cancel"


def test_a_question_is_answered_on_its_page(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("USER_INPUT",))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    operator = somebody("operate")
    assert "keep_waiting" in page(operator, f"/deliveries/{delivery.pk}/")

    operator.post(f"/deliveries/{delivery.pk}/decide/", {"option": "abandon"})

    assert delivering.look(deposit).state == "abandoned"
    assert operator.post(f"/deliveries/{delivery.pk}/reconcile/").status_code == 302
    operator.post("/deliveries/action/do/", {"verb": "retry", "id": delivery.pk, "mode": "full"})
    assert delivery_of(deposit).memory["mode"] == "full"


def test_depositors_see_their_own_and_no_buttons(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())
    mine = logged_in(delivering.client.user)

    assert "<button name=" not in page(mine, "/deliveries/")
    assert page(mine, f"/deliveries/{delivery.pk}/")
    assert mine.get("/pipelines/").status_code == 403
    assert mine.get("/batches/").status_code == 403
    assert somebody().get(f"/deliveries/{delivery.pk}/").status_code == 404


@pytest.fixture
def boxes(tmp_path: Path, settings: Any) -> Path:
    """A folder of two folders, below which batches may be started."""
    settings.BATCH_ROOT = str(tmp_path)
    for name in ("one", "two"):
        (tmp_path / "boxes" / name).mkdir(parents=True)
        (tmp_path / "boxes" / name / "letter.txt").write_text(name)
    return tmp_path / "boxes"


def test_batches_are_followed(delivering: Delivering, boxes: Path) -> None:
    batch = services.start(
        actor=system_actor(Channel.COMMAND), folder=str(boxes), collection=delivering.collection.name
    )
    operator = somebody("operate")

    assert "0/2" in page(operator, "/batches/")
    shown = page(operator, f"/batches/{batch.pk}/")
    assert "0 of 2 are stored" in shown
    assert 'hx-trigger="every 5s"' in shown
    assert "Deposit nothing more of it" not in shown
    assert operator.get("/batches/start/").status_code == 403


def test_a_batch_is_started_once_what_it_would_deposit_was_seen(delivering: Delivering, boxes: Path) -> None:
    administrator = somebody("operate", "administer")
    asked = {"folder": str(boxes), "collection": delivering.collection.name, "depth": "1"}

    shown = administrator.get("/batches/start/", asked).content.decode()

    assert "2 deposits would be made" in shown
    assert "<li>one</li><li>two</li>" in shown
    assert Batch.objects.count() == 0
    answer = administrator.post("/batches/start/", asked)
    batch = Batch.objects.get()
    assert answer["Location"] == f"/batches/{batch.pk}/"
    assert (batch.items.count(), batch.started_by) == (2, "olga")
    again = administrator.post("/batches/start/", asked).content.decode()
    assert "runs in" in again
    assert "Deposit nothing more of it" in page(administrator, f"/batches/{batch.pk}/")
    administrator.post(f"/batches/{batch.pk}/")
    batch.refresh_from_db()
    assert batch.state == "cancelled"
    assert "hx-trigger" not in page(administrator, f"/batches/{batch.pk}/")


def test_a_batch_is_not_started_outside_of_its_root(delivering: Delivering, boxes: Path) -> None:
    administrator = somebody("operate", "administer")
    asked = {"folder": "/etc", "collection": delivering.collection.name, "depth": "1"}

    assert "are not started in /etc" in administrator.get("/batches/start/", asked).content.decode()
    assert "are not started in /etc" in administrator.post("/batches/start/", asked).content.decode()
    assert Batch.objects.count() == 0


def test_the_progress_of_a_batch_is_told_alone_when_it_is_asked_for_alone(
    delivering: Delivering, boxes: Path
) -> None:
    batch = services.start(
        actor=system_actor(Channel.COMMAND), folder=str(boxes), collection=delivering.collection.name
    )
    operator = somebody("operate")
    batch.items.filter(name="one").update(state="done")

    answer = operator.get(f"/batches/{batch.pk}/", headers={"HX-Request": "true"})

    assert "1 of 2 are stored" in answer.content.decode()
    assert "<html" not in answer.content.decode()
