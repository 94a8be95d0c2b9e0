"""The whole way of objects: harvested, enqueued, downloaded, made into SIPs, submitted, decided on, told back."""

import json
from io import BytesIO
from pathlib import Path

from django.conf import settings
from PIL import Image

from deposit.models import Deposit, Identifier, Status, SubmissionKey
from sources.museumplus import logs
from sources.museumplus.models import FreezeSource, MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import enqueuing, processed
from tests.sources.museumplus.workflow_fixtures import FIELD, Museum
from tests.support.museum_workflow import pass_time, work_off


def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG")
    return out.getvalue()


def test_an_object_is_preserved(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()), ("b c.jpg", jpeg()))
    whole.harvest()
    assert enqueuing.enqueue_objects(10).object_ids == [1]
    assert enqueuing.enqueue_objects(10).enqueued == 0
    work_off()
    package = MuseumPackage.objects.get()
    assert (package.downloaded, package.packaged, package.uploaded) == (True, True, True)
    assert not WorkflowJob.objects.exists()
    assert not MuseumObject.objects.pending().exists()

    (done,) = whole.ingester.process()
    assert done.faults == []
    result = processed.sync_processed_sips()
    assert (result.accepted, result.rejected, result.errors) == (1, 0, {})
    work_off()
    package.refresh_from_db()
    assert package.status == "preserved"
    assert MuseumObject.objects.get().preserved
    assert not WorkflowJob.objects.exists()
    assert Deposit.objects.get().status == Status.DONE
    assert Identifier.objects.filter(scheme="sip", value=package.sip_filename).exists()
    (told,) = json.loads(str(whole.plus.field_of(1, FIELD)))
    assert (told["filename"], told["status"]) == (package.sip_filename, "accepted")
    assert not Path(settings.PACKAGE_DIR, "1").exists()
    assert {"compile-mets.log", "ingest-report.html", "ingest-report.xml"} <= set(logs.log_filenames(package))
    assert logs.log_content(package, "ingest-report.xml") == done.xml
    assert processed.sync_processed_sips().accepted == 0


def test_a_rejected_object_is_enqueued_again(whole: Museum) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    whole.harvest()
    enqueuing.enqueue_objects(10)
    work_off()
    whole.ingester.rejects = lambda name: True
    whole.ingester.process()
    assert processed.sync_processed_sips().rejected == 1
    work_off()
    first = MuseumPackage.objects.get()
    assert first.status == "rejected"
    assert Deposit.objects.get().status == Status.FAILED
    assert list(whole.ingester.root.glob("rejected/*/*/*.tar")) == []
    assert not MuseumObject.objects.pending().exists()

    whole.ingester.rejects = lambda name: False
    # As if the first had been made long ago: names of SIPs, which are keys of submissions too, have whole seconds.
    earlier = "20190102_Object_1-20200101-000000.tar"
    MuseumPackage.objects.update(sip_id="20200101-000000", sip_filename=earlier)
    SubmissionKey.objects.update(key=earlier)
    enqueuing.reenqueue_object(1)
    work_off()
    whole.ingester.process()
    processed.sync_processed_sips()
    work_off()
    assert MuseumObject.objects.get().preserved
    assert [told["status"] for told in json.loads(str(whole.plus.field_of(1, FIELD)))] == [
        "rejected",
        "accepted",
    ]


def test_known_errors_freeze_objects_and_others_go_on(whole: Museum) -> None:
    whole.add(1, ("a.wad", b"IWAD"))
    whole.add(2, ("kärpänen.jpg", jpeg()))
    whole.add(3, ("a.jpg", jpeg()))
    whole.add(4, ("a.tif", b"II*\0\x08\0\0\0"))
    whole.harvest()
    assert enqueuing.enqueue_objects(10).enqueued == 4
    work_off()
    pass_time()
    work_off()
    frozen = dict(MuseumObject.objects.filter(frozen=True).values_list("pk", "freeze_reason"))
    assert frozen == {
        1: "Unsupported file format: wad",
        2: "Filename contains non-ASCII characters",
        4: "TIFF file failed JHOVE validation",
    }
    sources = set(MuseumObject.objects.filter(frozen=True).values_list("freeze_source", flat=True))
    assert sources == {FreezeSource.AUTOMATIC}
    assert not MuseumObject.objects.pending().exists()
    assert MuseumPackage.objects.filter(museum_object__in=[1, 4], cancelled=True).count() == 2
    (done,) = whole.ingester.process()
    assert done.object_id == "Passari_Object_3"
    assert not WorkflowJob.objects.exists()
