"""The commands under their own names, with their options."""

import hashlib
import json
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from deposit.models import Client, Collection
from sources.museumplus.models import MuseumObject, MuseumPackage
from sources.museumplus.workflow import enqueuing
from tests.sources.museumplus.workflow.test_working import jpeg
from tests.sources.museumplus.workflow_fixtures import FIELD, Museum
from tests.support.museum_workflow import work_off
from tests.support.preservation_service import CONTRACT, PASSWORD, USERNAME, rest_api


def told(name: str, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(name, "--json", *arguments, stdout=out)
    answer = json.loads(out.getvalue())
    assert isinstance(answer, dict)
    return answer


def test_the_workflow_by_commands(whole: Museum) -> None:
    for number in (1, 2, 3):
        whole.add(number, ("a.jpg", jpeg()))
    whole.harvest()
    assert told("enqueue_objects", "--object-ids", "3,99", "--dry-run")["object_ids"] == [3]
    assert told("enqueue_objects", "--object-count", "1", "--random")["enqueued"] == 1
    assert told("deferred_enqueue_objects", "--object-count", "1") == {"asked_for": 1, "available": 2}
    work_off()
    assert MuseumPackage.objects.filter(uploaded=True).count() == 2
    left = MuseumObject.objects.get(latest_package=None).pk
    frozen = told("freeze_objects", str(left), "--reason", "not now", "--delete-jobs")
    assert frozen == {"frozen": 1, "cancelled": 0, "jobs_removed": 0}
    assert (
        told("unfreeze_objects", "--with-reason", "not now", "--with-object-ids", f"{left},99")["unfrozen"]
        == 1
    )
    whole.ingester.rejects = lambda name: f"Object_{3 if left != 3 else 1}-" in name
    whole.ingester.process()
    result = told("sync_processed_sips", "--days", "2")
    assert (result["accepted"], result["rejected"]) == (1, 1)
    work_off()
    rejected = MuseumPackage.objects.get(rejected=True).museum_object_id
    with pytest.raises(CommandError, match="not rejected"):
        call_command("reenqueue_object", str(MuseumPackage.objects.get(preserved=True).museum_object_id))
    with pytest.raises(CommandError, match="no object"):
        call_command("reenqueue_object", "99")
    assert told("reenqueue_object", str(rejected)) == {"reenqueued": rejected}
    with pytest.raises(CommandError, match="queues"):
        call_command("reset_workflow", "--perform-reset")
    out = StringIO()
    call_command("reset_workflow", stdout=out)
    assert "--perform-reset" in out.getvalue()


def test_one_object_by_hand(whole: Museum, tmp_path: Path) -> None:
    whole.add(1, ("a.jpg", jpeg()))
    places = ["--package-dir", str(tmp_path / "elsewhere"), "--sip-id", "20200101-000000"]
    assert told("museum_download", "1", *places)["sip"] == "20190102_Object_1-20200101-000000.tar"
    assert told("museum_create_sip", "1", *places, "--create-date", "2019-01-01")["files"] == 4
    told("museum_submit_sip", "1", *places)
    (done,) = whole.ingester.process()
    assert done.faults == []
    told("museum_confirm_sip", "1", *places, "--archive-dir", str(tmp_path / "logs"), "--status", "accepted")
    assert (
        tmp_path / "logs/1/Object_1/20190102_Object_1-20200101-000000.tar/logs/compile-mets.log.gz"
    ).exists()
    assert not (tmp_path / "elsewhere" / "1").exists()
    assert "accepted" in str(whole.plus.field_of(1, FIELD))
    assert str(settings.PACKAGE_DIR).endswith("package_dir")


def test_a_known_error_by_hand_freezes_the_object(whole: Museum) -> None:
    whole.add(1, ("a.wad", b"IWAD"))
    whole.harvest()
    told("museum_download", "1")
    with pytest.raises(CommandError, match="wad"):
        call_command("museum_create_sip", "1")
    assert MuseumObject.objects.get().freeze_reason == "Unsupported file format: wad"


def test_setting_up_twice_changes_nothing(whole: Museum) -> None:
    assert told("museum_setup")["collection"] == "was there"
    collection = Collection.objects.get(name="museum")
    assert (collection.profile, collection.destinations) == ("museum", ["preservation_service"])
    assert Client.objects.filter(user__username="museum", collections=collection).count() == 1


def test_heartbeats_are_judged(whole: Museum) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("check_heartbeats", stdout=StringIO())
    assert left.value.code == 1


def dip(content: bytes, digest: str) -> bytes:
    mets = (
        '<mets xmlns="http://www.loc.gov/METS/" xmlns:p="info:lc/xmlns/premis-v2" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><amdSec><techMD ID="t"><mdWrap><xmlData><p:object>'
        f"<p:messageDigestAlgorithm>SHA-256</p:messageDigestAlgorithm><p:messageDigest>{digest}</p:messageDigest>"
        '</p:object></xmlData></mdWrap></techMD></amdSec><fileSec><fileGrp><file ADMID="t"><FLocat '
        'xlink:href="file://a%20b.txt"/></file></fileGrp></fileSec></mets>'
    )

    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("dip/mets.xml", mets)
        archive.writestr("dip/a b.txt", content)
    return out.getvalue()


def test_disseminations_are_listed_downloaded_and_verified(whole: Museum, tmp_path: Path) -> None:
    with rest_api(whole.ingester) as api:
        settings.DPRES_API_URL = api.url
        settings.DPRES_API_USERNAME, settings.DPRES_API_PASSWORD = USERNAME, PASSWORD
        good, bad = b"x" * 5_000, b"y"
        digest = hashlib.sha256(good).hexdigest()
        api.packages = {"good": dip(good, digest), "bad": dip(bad, digest)}
        listed = told("dip_tool", "list-pkgs", "--limit", "5")["packages"]
        assert [found["id"] for found in listed] == ["bad", "good"]
        target = tmp_path / "out.zip"
        api.cut_next = 1
        with pytest.raises(CommandError, match="again"):
            call_command("dip_tool", "download", "good", "--output", str(target))
        assert told("dip_tool", "download", "good", "--output", str(target))["verified"] == 1
        assert target.read_bytes() == api.packages["good"]
        with pytest.raises(CommandError, match="damaged"):
            call_command("dip_tool", "download", "bad", "--output", str(tmp_path / "bad.zip"))
    assert CONTRACT in settings.METS_CONTRACT_ID
    assert enqueuing.available() == 0
