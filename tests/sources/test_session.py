"""The whole way of an item: seen, taken in, checked, stored, reported, disposed of."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.checking import check
from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import Deposit, EventName, Finding, Part, Status
from deposit.services import operations
from deposit.staging.files import path_of
from sources import services
from sources.models import Disposal, ItemState, Source, SourceItem
from sources.watching import serve_once
from tests.sources.conftest import OPERATOR, Served, reports, state, taken, work
from tests.support.lifecycle_fixtures import claimed
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)

Add = Callable[..., Source]
Serve = Callable[[Source], Served]
METADATA = b"filename,dc.identifier\nobjects/,GARDEN/1\n"
GARDEN = make_zip({"minutes.pdf": b"%PDF", "metadata/metadata.csv": METADATA})


def drop(folder: Path, name: str = "garden.zip", data: bytes = GARDEN) -> Path:
    """Put a file into the folder, as copying it does."""
    (folder / name).write_bytes(data)
    return folder / name


def test_file_becomes_a_deposit_and_its_report_says_so(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add(profile="transfer-package"))
    drop(folder)
    served.until(lambda: taken("garden.zip"))
    assert reports(folder) == []
    work_until_verified()
    served.until(lambda: reports(folder) == ["garden.zip.success.json", "garden.zip.success.log"])
    work()
    served.until(lambda: reports(folder) == ["garden.zip.stored.json", "garden.zip.stored.log"])
    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.external_id) == (Status.DONE, "GARDEN/1")
    text = next(folder.glob("*.log")).read_text()
    assert "STORED" in text
    assert f"https://deposit.example.org/deposits/{deposit.pk}/" in text
    told = json.loads(next(folder.glob("*.json")).read_text())
    assert (told["outcome"], told["deposit"]) == ("stored", deposit.pk)
    assert (told["external_id"], told["version"]) == ("GARDEN/1", 1)
    assert {"scheme": "swhid", "value": deposit.swhid} in told["identifiers"]
    assert (folder / "garden.zip").exists()


def work_until_verified() -> None:
    """Check what waits for that."""
    for deposit in Deposit.objects.filter(status=Status.DEPOSITED):
        check(deposit.pk, worker="checker")


def test_wrong_package_gets_a_report_with_examples_and_mended_is_another_item(
    folder: Path, add: Add, serve: Serve
) -> None:
    served = serve(add(profile="transfer-package"))
    drop(folder, data=make_zip({"garden/minutes.pdf": b"%PDF"}))
    served.until(lambda: taken("garden.zip"))
    work()
    served.until(lambda: reports(folder) == ["garden.zip.failed.json", "garden.zip.failed.log"])
    text = next(folder.glob("*.log")).read_text()
    assert "NOT ACCEPTED" in text
    assert "transfer.single-folder" in text
    assert "WRONG:" in text
    assert "RIGHT:" in text
    assert [row.state for row in SourceItem.objects.all()] == ["rejected"]
    drop(folder)
    served.until(lambda: taken("garden.zip"))
    work()
    served.until(lambda: state("garden.zip") == ItemState.STORED)
    assert sorted(Deposit.objects.values_list("status", flat=True)) == ["done", "rejected"]


def test_file_that_cannot_be_opened_gets_a_report_too(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add())
    drop(folder, "broken.zip", b"no zip at all")
    served.until(lambda: taken("broken.zip"))
    work()
    served.until(lambda: "broken.zip.failed.log" in reports(folder))
    assert "package.format" in next(folder.glob("*.log")).read_text()


def test_directory_is_one_package_with_its_content_at_the_root(
    folder: Path, add: Add, serve: Serve, tmp_path: Path
) -> None:
    served = serve(add(profile="transfer-package"))
    made = tmp_path / "garden"
    (made / "metadata").mkdir(parents=True)
    (made / "metadata" / "metadata.csv").write_bytes(METADATA)
    (made / "minutes.pdf").write_bytes(b"%PDF")
    made.rename(folder / "garden")
    served.until(lambda: taken("garden"))
    work()
    served.until(lambda: state("garden") == ItemState.STORED)
    assert Part.objects.get(kind="package").name == "garden.tar"


def test_the_one_folder_of_an_archive_is_left_away_and_the_archive_kept_as_it_was(
    folder: Path, add: Add, serve: Serve
) -> None:
    served = serve(add(profile="transfer-package", strip_top_level_dir=True))
    sent = make_zip({"garden/metadata/metadata.csv": METADATA, "garden/minutes.pdf": b"%PDF"})
    drop(folder, "garden.zip", sent)
    drop(
        folder, "two.zip", make_zip({"garden/metadata/metadata.csv": METADATA, "other/minutes.pdf": b"%PDF"})
    )
    served.until(lambda: taken("garden.zip") and taken("two.zip"))
    work()
    served.until(lambda: state("garden.zip") == ItemState.STORED and state("two.zip") == ItemState.REJECTED)
    part = Part.objects.get(kind="package", name="garden.zip")
    assert path_of(part.stored_as or "").read_bytes() == sent
    assert part.deposit.external_id == "GARDEN/1"
    assert list(Finding.objects.filter(severity="error").values_list("code", flat=True)) == [
        "package.top-folder"
    ]


def test_what_is_there_at_the_start_is_taken_once_and_a_restart_takes_nothing_again(
    folder: Path, add: Add, serve: Serve
) -> None:
    drop(folder)
    (folder / "more").mkdir()
    drop(folder / "more", "a.txt", b"a")
    source = add()
    first = serve(source)
    first.until(lambda: taken("garden.zip") and taken("more"))
    first.close()
    again = serve(source)
    drop(folder, "last.zip", make_zip({"a": b"last"}))
    again.until(lambda: taken("last.zip"))
    assert Deposit.objects.count() == SourceItem.objects.count() == 3


def test_two_watchers_on_one_folder_make_one_deposit_of_each(folder: Path, add: Add, serve: Serve) -> None:
    source = add()
    one, other = serve(source), serve(source)
    for number in range(20):
        drop(folder, f"{number}.zip", make_zip({"a": b"%d" % number}))
    one.finder.scan_soon()
    other.finder.scan_soon()

    def all_taken() -> bool:
        other.session.round(time.monotonic())
        return SourceItem.objects.filter(state="taken").count() == 20

    one.until(all_taken)
    other.until(lambda: other.session.is_done)
    assert Deposit.objects.count() == SourceItem.objects.count() == 20


def test_temporary_hidden_and_matched_names_and_reports_are_left_alone(
    folder: Path, add: Add, serve: Serve
) -> None:
    served = serve(add(ignore=r"^draft-"))
    names = [
        "a.zip.tmp",
        "a.part",
        "a~",
        ".a.zip",
        "draft-a.zip",
        "a.zip.stored.20261130T120000Z.0123456789ab.log",
    ]
    for name in names:
        drop(folder, name)
    drop(folder, "a.zip")
    served.until(lambda: taken("a.zip"))
    assert [item.key for item in SourceItem.objects.all()] == ["a.zip"]
    (folder / "a.zip.tmp").rename(folder / "b.zip")
    served.until(lambda: taken("b.zip"))


def test_file_that_is_held_open_is_not_taken_however_quiet(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add(stable_seconds=0.1))
    with (folder / "slow.zip").open("wb") as file:
        file.write(GARDEN[:50])
        file.flush()
        end = time.monotonic() + 1.5
        served.until(lambda: time.monotonic() > end)

        def is_shown() -> bool:
            served.look()
            return SourceItem.objects.filter(key="slow.zip", state="seen").exists()

        served.until(is_shown)
        file.write(GARDEN[50:])
    served.until(lambda: taken("slow.zip"))
    work()
    served.until(lambda: state("slow.zip") == ItemState.STORED)
    assert SourceItem.objects.count() == 1


def test_renamed_item_stays_the_item_it_is(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add())
    drop(folder)
    served.until(lambda: taken("garden.zip"))
    (folder / "garden.zip").rename(folder / "park.zip")
    served.until(lambda: state("park.zip") != "")
    work()
    served.until(lambda: state("park.zip") == ItemState.STORED)
    assert Deposit.objects.count() == SourceItem.objects.count() == 1
    served.until(lambda: reports(folder) == ["park.zip.stored.json", "park.zip.stored.log"])


def test_replaced_before_it_was_taken_counts_as_what_is_there_now(
    folder: Path, add: Add, serve: Serve
) -> None:
    source = add()
    services.set_paused(actor=OPERATOR, name=source.name, paused=True)
    served = serve(source)
    drop(folder)
    served.until(lambda: state("garden.zip") == ItemState.WAITING)
    drop(folder, data=make_zip({"other": b"1"}))
    served.until(lambda: SourceItem.objects.count() == 2)
    services.set_paused(actor=OPERATOR, name=source.name, paused=False)
    served.session.source.paused = False
    served.until(lambda: taken("garden.zip") and state_of_first() == ItemState.IGNORED)
    assert Deposit.objects.count() == 1


def state_of_first() -> str:
    return str(SourceItem.objects.order_by("id")[0].state)


def test_removed_before_it_was_taken_is_ignored(folder: Path, add: Add, serve: Serve) -> None:
    source = add()
    services.set_paused(actor=OPERATOR, name=source.name, paused=True)
    served = serve(source)
    path = drop(folder)
    served.until(lambda: state("garden.zip") == ItemState.WAITING)
    path.unlink()
    services.set_paused(actor=OPERATOR, name=source.name, paused=False)
    served.session.source.paused = False
    served.until(lambda: state("garden.zip") == ItemState.IGNORED)
    assert Deposit.objects.count() == 0


def test_links_out_of_the_folder_and_unreadable_files_are_rejected_with_a_report(
    folder: Path, add: Add, serve: Serve, tmp_path: Path
) -> None:
    outside = drop(tmp_path, "outside.zip")
    served = serve(add())
    (folder / "link.zip").symlink_to(outside)
    (folder / "tree").mkdir()
    (folder / "tree" / "link").symlink_to("/etc/passwd")
    served.until(lambda: state("link.zip") == state("tree") == ItemState.REJECTED)
    served.until(
        lambda: reports(folder) == [f"{k}.failed.{e}" for k in ("link.zip", "tree") for e in ("json", "log")]
    )
    assert Deposit.objects.count() == 0
    assert all("source.link" in path.read_text() for path in folder.glob("*.log"))


def test_duplicates_are_rejected_by_name_and_by_content(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add(reject_duplicates=True))
    drop(folder)
    served.until(lambda: taken("garden.zip"))
    drop(folder, "copy.zip")
    served.until(lambda: state("copy.zip") == ItemState.REJECTED)
    (folder / "garden.zip").unlink()
    drop(folder, data=make_zip({"other": b"1"}))
    served.until(lambda: state("garden.zip") == ItemState.REJECTED)
    errors = sorted(SourceItem.objects.filter(state="rejected").values_list("error", flat=True))
    assert [error.partition("]")[0] for error in errors] == [
        "[source.duplicate-content",
        "[source.duplicate-name",
    ]
    assert Deposit.objects.count() == 1


@pytest.mark.parametrize("is_directory", [False, True])
def test_original_is_moved_only_when_stored_and_never_over_another(
    folder: Path, add: Add, serve: Serve, tmp_path: Path, is_directory: bool
) -> None:
    completed = tmp_path / "completed"
    completed.mkdir()
    (completed / "garden").write_text("was here")
    served = serve(add(completed_dir=str(completed)))
    if is_directory:
        (folder / "garden").mkdir()
        drop(folder / "garden", "a", b"a")
    else:
        drop(folder, "garden")
    served.until(lambda: taken("garden"))
    assert (folder / "garden").exists()
    work()
    served.until(lambda: not (folder / "garden").exists())
    served.until(lambda: SourceItem.objects.get().disposal == Disposal.MOVED)
    assert (completed / "garden").read_text() == "was here"
    assert (completed / f"garden.{SourceItem.objects.get().short_id}").exists()
    assert reports(folder) == ["garden.stored.json", "garden.stored.log"]


def test_original_is_deleted_after_storage_unless_it_changed(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add(retention_days=0))
    drop(folder)
    drop(folder, "changed.zip", make_zip({"a": b"1"}))
    served.until(lambda: taken("garden.zip") and taken("changed.zip"))
    drop(folder, "changed.zip", make_zip({"a": b"2"}))
    services.set_paused(actor=OPERATOR, name="scans", paused=True)
    served.session.source.paused = True
    work()
    served.until(lambda: SourceItem.objects.exclude(disposal="").count() == 2)
    assert {i.key: i.disposal for i in SourceItem.objects.exclude(disposal="")} == {
        "garden.zip": "deleted",
        "changed.zip": "gone",
    }
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".zip") == ["changed.zip"]


def test_full_staging_lets_items_wait(folder: Path, add: Add, serve: Serve, settings: object) -> None:
    served = serve(add())
    settings.RESERVED_BYTES = 2**62  # type: ignore[attr-defined]
    drop(folder)
    served.until(lambda: SourceItem.objects.filter(state="waiting", attempts__gte=1).exists())
    assert "no room" in SourceItem.objects.get().error
    assert reports(folder) == []
    settings.RESERVED_BYTES = 0  # type: ignore[attr-defined]
    served.until(lambda: taken("garden.zip"))


def test_failed_deposit_that_is_loaded_later_becomes_stored(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add())
    drop(folder)
    served.until(lambda: taken("garden.zip"))
    work_until_verified()
    deposit = Deposit.objects.get()
    token = claimed(Work.LOAD, deposit).token
    lifecycle.fire(EventName.FAIL, deposit.pk, actor="test", token=token)
    served.until(lambda: reports(folder) == ["garden.zip.failed.json", "garden.zip.failed.log"])
    assert "fault of the service" in next(folder.glob("*.log")).read_text()
    operations.reschedule(actor=OPERATOR, deposit_id=deposit.pk)
    work()
    served.look()
    served.until(lambda: reports(folder) == ["garden.zip.stored.json", "garden.zip.stored.log"])


def test_names_that_are_long_or_strange_get_reports(folder: Path, add: Add, serve: Serve) -> None:
    served = serve(add())
    names = ["ü" * 120 + ".zip", "a b&c\n.zip", "%2F.zip"]
    for number, name in enumerate(names):
        drop(folder, name, make_zip({"a": b"%d" % number}))
    served.until(lambda: all(taken(name) for name in names))
    work()
    served.until(lambda: len(reports(folder)) == 6)
    assert max(len(os.fsencode(path.name)) for path in folder.iterdir()) <= 255


def test_scan_by_command_takes_in_what_is_there(folder: Path, add: Add) -> None:
    source = add()
    drop(folder)
    assert serve_once(source)
    assert taken("garden.zip")
