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


def test_batches_are_followed(delivering: Delivering, tmp_path: Path) -> None:
    (tmp_path / "boxes" / "one").mkdir(parents=True)
    batch = services.start(
        actor=system_actor(Channel.COMMAND),
        folder=str(tmp_path / "boxes"),
        collection=delivering.collection.name,
    )
    operator = somebody("operate")

    assert "0/1" in page(operator, "/batches/")
    assert "one" in page(operator, f"/batches/{batch.pk}/")
