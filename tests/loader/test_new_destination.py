"""A destination is one tuple of steps and one line in the settings; this one takes two, and keeps us waiting."""

import shutil
from pathlib import Path
from typing import Any

from deposit.models import Deposit, Identifier, Status
from deposit.staging.files import path_of
from loader.steps import Again, Context, Destination, Done, Outcome, Step
from loader.workflow import load
from tests.loader.conftest import Loaded
from tests.support.lifecycle_fixtures import depositor, pass_lease


def _copy(context: Context) -> Outcome:
    (part,) = context.deposit.parts.filter(kind="package")
    shutil.copy(path_of(str(part.stored_as)), context.deposit.collection.title)
    return Done(result={"name": Path(str(part.stored_as)).name})


def _wait_for_the_shelf(context: Context) -> Outcome:
    if not (path := Path(context.deposit.collection.title, "stored")).exists():
        return Again(after_seconds=60, note="The shelf has not said yet that it has the package.")
    context.add_identifier("shelf", path.read_text())
    return Done()


DESTINATION = Destination(
    name="shelf", steps=(Step(name="copy", run=_copy), Step(name="confirm", run=_wait_for_the_shelf))
)


def test_a_deposit_waits_without_a_worker_and_is_done_with_its_last_step(
    loaded: Loaded, settings: Any, tmp_path: Path
) -> None:
    settings.DESTINATIONS = {**settings.DESTINATIONS, "shelf": __name__}
    client, collection = depositor()
    collection.destinations, collection.title = ["archive", "shelf"], str(tmp_path)
    collection.save()
    deposit = loaded(who=(client, collection))
    assert (deposit.status, deposit.swhid) == (Status.LOADING, None)
    assert _steps(deposit) == [("archive", "done", 0), ("copy", "done", 0), ("confirm", "waiting", 1)]
    (tmp_path / "stored").write_text("number 7")
    pass_lease(deposit)
    load(deposit.pk, worker="another loader")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.swhid) == (Status.DONE, deposit.directory_swhid)
    assert _steps(deposit)[2] == ("confirm", "done", 1)
    schemes = Identifier.objects.filter(deposit=deposit).values_list("scheme", flat=True)
    assert sorted(schemes) == ["shelf", "swhid-directory", "swhid-release", "swhid-snapshot"]


def _steps(deposit: Deposit) -> list[tuple[str, str, int]]:
    rows = deposit.deliveries.order_by("id", "activities__id")
    return list(rows.values_list("activities__name", "activities__state", "activities__polls"))
