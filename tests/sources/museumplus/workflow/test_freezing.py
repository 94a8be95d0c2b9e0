"""Freezing, unfreezing, resetting: what happens to packages, jobs and folders."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from deposit.models import SubmissionKey
from deposit.queue import items
from sources.museumplus import logs
from sources.museumplus.models import FreezeSource, MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import enqueuing, freezing, processed, resetting, working
from tests.sources.museumplus.workflow.test_working import jpeg
from tests.sources.museumplus.workflow_fixtures import Museum
from tests.support.museum_workflow import pass_time, work_off


def test_freezing_cancels_what_is_under_way(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    frozen = freezing.freeze_objects([1], reason="not now")
    assert (frozen.frozen, frozen.cancelled, frozen.jobs_removed) == (1, 0, 1)
    work_off()
    assert not MuseumPackage.objects.exists()
    assert whole.plus.requests["GET module Multimedia"] == 0
    spoon = MuseumObject.objects.get()
    assert (spoon.freeze_reason, spoon.freeze_source) == ("not now", FreezeSource.USER)
    assert enqueuing.enqueue_objects(10).enqueued == 0

    assert freezing.unfreeze_objects(reason="other") == []
    assert freezing.unfreeze_objects(reason="not now", enqueue=True) == [1]
    work_off()
    assert MuseumPackage.objects.get().uploaded


def test_queued_jobs_of_a_frozen_object_do_nothing(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    freezing.freeze_objects([1], reason="not now", delete_jobs=False)
    assert WorkflowJob.objects.exists()
    work_off()
    assert not MuseumPackage.objects.exists()
    assert not WorkflowJob.objects.exists()


def test_none_is_frozen_while_one_is_running_or_unknown(whole: Museum) -> None:
    whole.plus.add_object(1)
    whole.plus.add_object(2)
    whole.harvest()
    enqueuing.enqueue_objects(10)
    WorkflowJob.objects.filter(pk=2).update(state="started")
    with pytest.raises(freezing.WorkflowJobRunningError) as refused:
        freezing.freeze_objects([1, 2], reason="x")
    assert refused.value.object_ids == [2]
    with pytest.raises(freezing.UnknownObjects):
        freezing.freeze_objects([1, 99], reason="x")
    assert not MuseumObject.objects.filter(frozen=True).exists()


def test_a_report_on_a_frozen_object_is_kept_and_stops_nobody(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.add(2, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    work_off()
    whole.ingester.process()
    freezing.freeze_objects([1], reason="too late")
    result = processed.sync_processed_sips()
    assert (result.accepted, result.errors) == (2, {})
    work_off()
    package = MuseumPackage.objects.get(museum_object=1)
    assert (package.cancelled, package.preserved, package.status) == (True, True, "cancelled")
    assert "ingest-report.xml" in logs.log_filenames(package)
    assert "compile-mets.log" in logs.log_filenames(package)
    assert MuseumObject.objects.filter(preserved=True).count() == 2
    assert MuseumObject.objects.get(pk=1).frozen


def test_a_late_report_leaves_a_later_package_alone(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    work_off()
    MuseumPackage.objects.update(sip_id="x")
    freezing.freeze_objects([1], reason="x")
    freezing.unfreeze_objects(object_ids=[1])
    first = MuseumPackage.objects.get()
    old = first.sip_filename.replace(".tar", "x.tar")
    (whole.ingester.root / "transfer" / first.sip_filename).rename(whole.ingester.root / "transfer" / old)
    MuseumPackage.objects.update(sip_filename=old)
    # Names of SIPs, which are keys of submissions too, have whole seconds.
    SubmissionKey.objects.update(key=old)
    enqueuing.enqueue_objects(10)
    whole.ingester.process()
    assert processed.sync_processed_sips().accepted == 1
    job = WorkflowJob.objects.get()
    assert job.queue == WorkflowJob.Queue.DOWNLOAD_OBJECT
    work_off()
    pass_time()
    work_off()
    second = MuseumPackage.objects.latest("pk")
    assert second.pk != first.pk
    assert second.uploaded


def test_after_a_restore_half_done_packages_are_forgotten(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.add(2, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    with pytest.raises(resetting.QueuesNotEmpty):
        resetting.reset_workflow()
    work_off()
    MuseumPackage.objects.filter(museum_object=1).update(uploaded=False)
    Path(settings.PACKAGE_DIR, "1").mkdir(exist_ok=True)
    assert resetting.reset_workflow(dry_run=True).object_ids == [1]
    assert resetting.reset_workflow().object_ids == [1]
    assert not Path(settings.PACKAGE_DIR, "1").exists()
    assert MuseumPackage.objects.get().museum_object_id == 2
    assert list(MuseumObject.objects.pending().values_list("pk", flat=True)) == [1]


def test_a_restored_queue_is_emptied_when_no_worker_is_at_it(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.add(2, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    # As the backup has it: one was packaged, the other not begun.
    working.download("1", worker="w")
    claim = items.claim("museum.download", "2", worker="w")
    with pytest.raises(resetting.QueuesNotEmpty):
        resetting.reset_workflow(delete_jobs=True)
    assert claim is not None
    pass_time()
    assert resetting.reset_workflow(delete_jobs=True).object_ids == [1]
    assert not WorkflowJob.objects.exists()
    # What came back with the queue finds nothing to do.
    for _ in range(3):
        pass_time()
        work_off(raising=False)
    assert whole.ingester.process() == []
    assert enqueuing.enqueue_objects(10).object_ids == [1, 2]
    WorkflowJob.objects.update(sip_id="20300101-000000")  # not the second of the first time
    work_off()
    pass_time()
    work_off()
    assert [done.status for done in whole.ingester.process()] == ["accepted"] * 2


def test_an_object_that_is_frozen_while_its_package_waits_can_be_enqueued_again(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    working.download("1", worker="w")
    freezing.freeze_objects([1], reason="wait", delete_jobs=False)
    work_off(raising=False)
    pass_time()
    work_off(raising=False)
    assert not WorkflowJob.objects.exists()
    assert freezing.unfreeze_objects(reason="wait", enqueue=True) == [1]
    work_off()
    pass_time()
    work_off()
    assert [done.status for done in whole.ingester.process()] == ["accepted"]


def test_nothing_is_frozen_without_a_reason(db: None) -> None:
    MuseumObject.objects.create(id=1, frozen=True)
    MuseumObject.objects.bulk_create([MuseumObject(id=2, frozen=True), MuseumObject(id=3)])
    told = MuseumObject.objects.order_by("pk").values_list("freeze_reason", "freeze_source")
    assert list(told) == [("No reason was given", "user")] * 2 + [(None, None)]
    for fields in ({"freeze_source": "user"}, {"freeze_reason": "x"}, {"freeze_reason": ""}):
        with pytest.raises(IntegrityError, match="frozen_for_a_reason"), transaction.atomic():
            MuseumObject.objects.filter(pk=3).update(frozen=True, **fields)
