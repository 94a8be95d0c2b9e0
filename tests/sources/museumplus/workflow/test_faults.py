"""What goes wrong outside and inside, one thing at a time; the long run with all of it is in tests/faults."""

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from deposit.models import WorkItem
from sources.museumplus.harvest.client import connect
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import enqueuing, processed, queueing, resetting, steps
from tests.sources.museumplus.workflow.test_working import jpeg
from tests.sources.museumplus.workflow_fixtures import Museum
from tests.support.cut_line import cut_line
from tests.support.museum_workflow import pass_time, work_off
from tests.support.preservation_service import PASSWORD, USERNAME, rest_api


def enqueued(whole: Museum, *numbers: int) -> None:
    for number in numbers:
        whole.add(number, ("a.jpg", jpeg()))
    whole.harvest()
    assert enqueuing.enqueue_objects(100).enqueued == len(numbers)


def test_a_museumplus_that_is_down_for_a_night_is_waited_for(whole: Museum) -> None:
    enqueued(whole, 1)
    whole.plus.knobs.down = True
    for _ in range(20):
        work_off(raising=False)
        pass_time()
    job = WorkflowJob.objects.get()
    assert (job.queue, job.state) == ("download_object", "pending")
    assert "503" in job.error
    whole.plus.knobs.down = False
    work_off()
    assert MuseumPackage.objects.get().uploaded


def test_a_full_disk_is_waited_for(whole: Museum) -> None:
    enqueued(whole, 1)
    settings.MIN_FREE_BYTES = 1 << 60
    work_off(raising=False)
    assert "Enqueue fewer objects" in WorkflowJob.objects.get().error
    assert WorkItem.objects.get(kind="museum.download").attempts == 0
    settings.MIN_FREE_BYTES = 1
    pass_time()
    work_off()
    assert MuseumPackage.objects.get().uploaded


def test_a_line_that_breaks_in_the_middle_of_a_sip_is_taken_up_where_it_broke(
    whole: Museum,
) -> None:
    whole.add(1, ("noise.pdf", b"%PDF-1.4\n" + os.urandom(3_000_000) + b"\n%%EOF\n"))
    whole.harvest()
    enqueuing.enqueue_objects(1)
    unfinished = whole.ingester.root / "transfer"
    lengths = []
    with cut_line(settings.DPRES_SFTP_PORT, after=1_500_000, times=2) as port:
        settings.DPRES_SFTP_PORT = port
        relabel(Path(settings.DPRES_SFTP_KNOWN_HOSTS), port)
        for _ in range(4):
            work_off(raising=False)
            lengths.append(sum(path.stat().st_size for path in unfinished.iterdir()))
            pass_time()
    assert 0 < lengths[0] < lengths[1]
    assert [path.name for path in unfinished.iterdir()] == [MuseumPackage.objects.get().sip_filename]
    assert [done.status for done in whole.ingester.process()] == ["accepted"]


def relabel(known_hosts: Path, port: int) -> None:
    """The server's key, under another port."""
    _, key = known_hosts.read_text().split(" ", 1)
    known_hosts.write_text(f"[127.0.0.1]:{port} {key}")


def test_what_was_submitted_since_the_backup_is_noted_before_the_reset(whole: Museum) -> None:
    enqueued(whole, 1, 2)
    work_off()
    assert [done.status for done in whole.ingester.process()] == ["accepted"] * 2
    # Yesterday's database: both are packaged, neither is known as submitted; the service has them.
    MuseumPackage.objects.update(uploaded=False)
    whole.add(3, ("a.jpg", jpeg()))
    assert processed.sync_processed_sips().accepted == 2
    assert resetting.reset_workflow(delete_jobs=True).object_ids == []
    pass_time()
    work_off()
    assert MuseumObject.objects.filter(preserved=True).count() == 2
    assert len(whole.ingester.ingested) == 2


def test_two_enqueuers_make_one_job_of_each_object(whole: Museum) -> None:
    for number in range(1, 21):
        whole.plus.add_object(number)
    whole.harvest()
    counts: list[int] = []

    def enqueue() -> None:
        counts.append(enqueuing.enqueue_objects(20).enqueued)
        connection.close()

    threads = [threading.Thread(target=enqueue) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 20]
    assert WorkItem.objects.filter(kind="museum.download").count() == WorkflowJob.objects.count() == 20


def test_one_bad_sip_never_stops_a_run(whole: Museum) -> None:
    enqueued(whole, 1, 2, 3)
    work_off()
    whole.ingester.process()
    # The logs of one cannot be written to: a file has taken their place.
    bad = Path(settings.PACKAGE_DIR, "2", "logs")
    shutil.rmtree(bad)
    bad.write_text("")
    result = processed.sync_processed_sips()
    assert result.accepted == 2
    (name,) = result.errors
    assert "Object_2-" in name
    bad.unlink()
    assert processed.sync_processed_sips().accepted == 1
    work_off()
    assert MuseumObject.objects.filter(preserved=True).count() == 3


def test_reports_on_unknown_sips_and_reports_that_come_twice_do_nothing(whole: Museum) -> None:
    enqueued(whole, 1)
    work_off()
    (whole.ingester.root / "transfer" / "stranger.tar").write_bytes(b"x")
    whole.ingester.process()
    assert (processed.sync_processed_sips().unknown, MuseumPackage.objects.get().preserved) == (1, True)
    work_off()
    tomorrow = datetime.now(UTC).strftime("%Y-%m-%d")
    for report in whole.ingester.root.glob("accepted/*/*/*"):
        again = whole.ingester.root / "rejected" / tomorrow / report.parent.name / report.name
        again.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(report, again)
    assert processed.sync_processed_sips().rejected == 0
    assert MuseumPackage.objects.get().preserved


@pytest.mark.parametrize("rejects", [False, True])
def test_verdicts_are_read_by_rest(whole: Museum, rejects: bool) -> None:
    enqueued(whole, 1, 2)
    work_off()
    whole.ingester.rejects = lambda name: rejects
    with rest_api(whole.ingester) as api:
        settings.DPRES_STATUS_BACKEND, settings.DPRES_API_URL = "rest", api.url
        settings.DPRES_API_USERNAME, settings.DPRES_API_PASSWORD = USERNAME, PASSWORD
        assert processed.sync_processed_sips().accepted == 0
        whole.ingester.process()
        result = processed.sync_processed_sips()
        assert (result.accepted, result.rejected) == ((0, 2) if rejects else (2, 0))
        work_off()
        assert processed.sync_processed_sips().errors == {}
    assert MuseumObject.objects.filter(preserved=True).count() == (0 if rejects else 2)
    assert MuseumPackage.objects.filter(rejected=True).count() == (2 if rejects else 0)
    settings.DPRES_STATUS_BACKEND = "sftp"


def test_reports_under_the_objects_own_id_are_told_from_those_on_earlier_versions(whole: Museum) -> None:
    enqueued(whole, 1)
    work_off()
    with rest_api(whole.ingester) as api:
        settings.DPRES_STATUS_BACKEND, settings.DPRES_API_URL = "rest", api.url
        settings.DPRES_API_USERNAME, settings.DPRES_API_PASSWORD = USERNAME, PASSWORD
        whole.ingester.rejects = lambda name: True
        (done,) = whole.ingester.process()
        done.sip, done.at = "earlier.tar", datetime.now(UTC) - timedelta(days=1)
        assert processed.sync_processed_sips().rejected == 0
        done.at = datetime.now(UTC) + timedelta(seconds=5)
        assert processed.sync_processed_sips().rejected == 1
    settings.DPRES_STATUS_BACKEND = "sftp"


def test_what_failed_for_good_is_tried_again_when_somebody_says_so(whole: Museum) -> None:
    enqueued(whole, 1)
    key, settings.SIP_SIGN_KEY = settings.SIP_SIGN_KEY, ""
    work_off()
    pass_time()
    work_off()
    job = WorkflowJob.objects.get()
    assert (job.queue, job.state) == ("create_sip", "failed")
    assert "SIP_SIGN_KEY" in job.error
    settings.SIP_SIGN_KEY = key
    assert queueing.retry(1)
    work_off()
    assert MuseumPackage.objects.get().uploaded
    assert not queueing.retry(1)


def test_a_lost_work_folder_is_restored_from_the_deposit(whole: Museum) -> None:
    enqueued(whole, 1)
    key, settings.SIP_SIGN_KEY = settings.SIP_SIGN_KEY, ""
    work_off()
    shutil.rmtree(Path(settings.PACKAGE_DIR, "1"))
    settings.SIP_SIGN_KEY = key
    assert queueing.retry(1)
    work_off()
    (done,) = whole.ingester.process()
    assert done.faults == []


def test_an_object_that_changes_between_two_attempts_is_one_package(whole: Museum) -> None:
    enqueued(whole, 1)
    sip_id = WorkflowJob.objects.get().sip_id
    with connect() as client:
        first = steps.download(client, 1, sip_id)
    whole.add(1, ("b.jpg", jpeg()), modified="2020-06-01 00:00:00.0")
    work_off()
    package = MuseumPackage.objects.get()
    assert package.pk == first.pk
    assert package.sip_filename == f"20200601_Object_1-{sip_id}.tar"
    (done,) = whole.ingester.process()
    assert done.faults == []
