"""SIPs are valid by the national schema and by all of its rules, whatever is in them."""

import hashlib
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from lxml import etree
from PIL import Image
from pytest_django.fixtures import Settings

from loader.destinations.preservation_service.building import build_sip
from loader.destinations.preservation_service.mets import Contract
from loader.destinations.preservation_service.workdir import WorkDir
from packages.formats.preservable import NotPreservable
from sources.museumplus.harvest.client import MuseumPlusClient
from sources.museumplus.harvest.download import download_object
from sources.museumplus.workflow.describing import describe
from tests.support.mets_rules import MetsRules
from tests.support.museumplus import (
    LIDO,
    PASSWORD,
    USERNAME,
    load_samples,
    multimedia_xml,
    museumplus,
    object_xml,
)
from tests.support.museumplus import document as document_of

CONTRACT = Contract(organization="Museum & Söner", id="12345678-1234-4321-8765-123456789012")
PAST = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)

# Objects 1234571 and 1234572 share the attachment of 1234570, and that of 1234574 goes by its name.
FROZEN = {
    1234574: "Unsupported file format: wad",
    1234570: "Unsupported file format: wad",
    1234571: "Unsupported file format: wad",
    1234572: "Unsupported file format: wad",
    1234577: "TIFF file failed JHOVE validation",
    1234580: "Multi-page TIFF not allowed",
    1234581: "MPO JPEG files not supported",
    1234582: "Filename contains non-ASCII characters",
    1234583: "Filename 'Multimedia.xml' not allowed for attachment",
}


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, (40, 30)).save(out, kind, **options)
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


PICTURES = {
    "a.jpg": picture("JPEG"),
    "grey.jpeg": picture("JPEG", "L"),
    "a.tif": picture("TIFF"),
    "lzw.TIFF": picture("TIFF", "L", compression="tiff_lzw"),
    "fax.tif": picture("TIFF", "1", compression="group4"),
    "palette.tif": picture("TIFF", "P"),
    "alpha.tif": picture("TIFF", "RGBA"),
    "print.tif": picture("TIFF", "CMYK"),
    "lab.tif": picture("TIFF", "LAB"),
    "deep.tif": picture("TIFF", "I;16"),
    "a.gif": picture("GIF", "P"),
    "a.pdf": picture("PDF"),
    "a.xml": b"<a/>",
    "Multimedia_1.attachment": picture("PNG", "RGBA"),
    "odd (1) & 'two' %41 #?;=+[]{}~`.jpg": picture("JPEG"),
    "two.zip": zipped({"in/a.jpg": picture("JPEG"), "b c.tif": picture("TIFF")}),
}


def make_object(folder: Path, attachments: dict[int, tuple[str, bytes]]) -> WorkDir:
    """A work folder with an object that has these attachments."""
    work = WorkDir(folder)
    work.make()
    (work.reports / "Object.xml").write_bytes(
        document_of("Object", [object_xml(7, multimedia=tuple(attachments))])
    )
    (work.reports / "lido.xml").write_bytes(LIDO)
    for number, (name, content) in attachments.items():
        (work.attachments / str(number)).mkdir(parents=True)
        (work.attachments / str(number) / name).write_bytes(content)
        described = document_of("Multimedia", [multimedia_xml(number, filename=None, objects=(7,))])
        (work.attachments / str(number) / "Multimedia.xml").write_bytes(described)
    return work


@pytest.mark.django_db(transaction=True)  # connections to MuseumPlus are counted there
def test_the_samples_are_valid_or_frozen_with_passaris_reasons(
    test_data: Path, rules: MetsRules, signer: Path, tmp_path: Path
) -> None:
    outcome: dict[int, str] = {}
    with museumplus() as museum:
        numbers = load_samples(museum, test_data / "museumplus" / "museumplus_mock" / "module")
        with MuseumPlusClient(museum.url, USERNAME, PASSWORD, cache=tmp_path / "cache", pauses=()) as client:
            for number in set(numbers) - {1234578}:
                work = WorkDir(tmp_path / str(number))
                work.path.mkdir()
                try:
                    download_object(client, work, number, "x", lido_report=45005)
                    build_sip(work, describe(work, "x"), CONTRACT, signer)
                except NotPreservable as refused:
                    outcome[number] = refused.reason
                    continue
                assert rules.faults(work.sip / "mets.xml") == []
    assert outcome == FROZEN


def test_every_kind_of_file_is_valid(rules: MetsRules, signer: Path, tmp_path: Path) -> None:
    work = make_object(tmp_path, dict(enumerate(PICTURES.items(), 100)))
    built = build_sip(work, describe(work), CONTRACT, signer)
    assert rules.faults(work.sip / "mets.xml") == []
    assert built.files == 2 * len(PICTURES) + 1 + 2


@examples(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    names=st.lists(st.sampled_from(sorted(PICTURES)), max_size=12),
    title=st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&\ufffe\uffff"), max_size=40
    ),
    is_update=st.booleans(),
)
def test_generated_objects_are_valid(
    rules: MetsRules,
    signer: Path,
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    title: str,
    is_update: bool,
) -> None:
    attachments = {200 + place: (name, PICTURES[name]) for place, name in enumerate(names)}
    work = make_object(tmp_path_factory.mktemp("object"), attachments)
    (work.reports / "Object.xml").write_bytes(document_of("Object", [object_xml(7, title=title)]))
    about = describe(work, "y", created=PAST, modified=PAST if is_update else None, update=is_update)
    build_sip(work, about, CONTRACT, signer)
    assert rules.faults(work.sip / "mets.xml") == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_archive_holds_what_mets_says_and_is_signed(
    signer: Path, tmp_path: Path, settings: Settings, algorithm: str
) -> None:
    settings.SIP_SIGN_DIGEST = algorithm
    work = make_object(tmp_path, {1: ("a b.jpg", PICTURES["a.jpg"]), 2: ("two.zip", PICTURES["two.zip"])})
    about = describe(work, "20200101-000000", created=PAST, modified=PAST, update=True)
    built = build_sip(work, about, CONTRACT, signer)
    assert built.path.name == "20190102_Object_7-20200101-000000.tar"
    out = tmp_path / "out"
    with tarfile.open(built.path) as archive:
        archive.extractall(out, filter="data")
    mets = etree.parse(str(out / "mets.xml")).getroot()
    header = mets.find("{*}metsHdr")
    assert header is not None
    assert dict(header.attrib) == {
        "CREATEDATE": "2020-01-02T03:04:05+00:00",
        "LASTMODDATE": "2020-01-02T03:04:05+00:00",
        "RECORDSTATUS": "update",
    }
    assert mets.get("OBJID") == "Passari_Object_7"
    told = {
        str(thing.findtext(".//{*}objectIdentifierValue")): str(thing.findtext(".//{*}messageDigest"))
        for thing in mets.iterfind(".//{info:lc/xmlns/premis-v2}object")
    }
    there = {
        "Multimedia:1:Multimedia.xml": "attachments/1/Multimedia.xml",
        "Multimedia:1:a b.jpg": "attachments/1/a b.jpg",
        "Multimedia:2:Multimedia.xml": "attachments/2/Multimedia.xml",
        "Multimedia:2:two.zip/b c.tif": "attachments/2/two.zip/b c.tif",
        "Multimedia:2:two.zip/in/a.jpg": "attachments/2/two.zip/in/a.jpg",
        "Object:7:reports/Object.xml": "reports/Object.xml",
        "Object:7:reports/lido.xml": "reports/lido.xml",
    }
    assert told == {
        name: hashlib.sha256((out / path).read_bytes()).hexdigest() for name, path in there.items()
    }
    events = [str(event.text) for event in mets.iterfind(".//{info:lc/xmlns/premis-v2}eventType")]
    assert events.count("decompression") == 1
    verified = subprocess.run(
        ["openssl", "smime", "-verify", "-in", out / "signature.sig", "-CAfile", signer.with_suffix(".crt")],
        capture_output=True,
        check=True,
    )
    digest = hashlib.new(algorithm, (out / "mets.xml").read_bytes()).hexdigest()
    assert verified.stdout.decode().strip() == f"mets.xml:{algorithm}:{digest}"


def test_it_may_be_built_again_wherever_it_was_interrupted(signer: Path, tmp_path: Path) -> None:
    work = make_object(tmp_path / "work", {2: ("two.zip", PICTURES["two.zip"])})
    steps = 0

    class Killed(Exception):
        pass

    def count() -> None:
        nonlocal steps
        steps += 1

    whole = make_object(tmp_path / "whole", {2: ("two.zip", PICTURES["two.zip"])})
    build_sip(whole, describe(whole), CONTRACT, signer, alive=count)
    total = steps

    def die() -> None:
        nonlocal steps
        steps -= 1
        if not steps:
            raise Killed

    for place in range(1, total):
        steps = place
        try:
            build_sip(work, describe(work), CONTRACT, signer, alive=die)
        except Killed:
            continue
    steps = -1
    built = build_sip(work, describe(work), CONTRACT, signer, alive=die)
    with tarfile.open(built.path) as archive:
        names = archive.getnames()
    assert "attachments/2/two.zip/in/a.jpg" in names
    assert len(names) == len(set(names)) == 7
    mets = (work.sip / "mets.xml").read_text()
    assert mets.count(">decompression<") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped({"a.zip": zipped({"b": b""}), "b.jpg": b""}), "Unsupported file format: zip"),
        (zipped({"README": b"text"}), "Unsupported file format: "),
        (zipped({"../a.jpg": b"x"}), "Unsupported file format: zip"),
        (b"no zip", "Unsupported file format: zip"),
        (zipped({"kärpänen.jpg": PICTURES["a.jpg"]}), "Filename contains non-ASCII characters"),
    ],
)
def test_archives_that_cannot_be_preserved(signer: Path, tmp_path: Path, content: bytes, reason: str) -> None:
    work = make_object(tmp_path, {1: ("a.zip", content)})
    with pytest.raises(NotPreservable) as refused:
        build_sip(work, describe(work), CONTRACT, signer)
    assert refused.value.reason == reason


def test_an_archive_that_expands_to_far_more_is_not_unpacked(signer: Path, tmp_path: Path) -> None:
    work = make_object(tmp_path, {1: ("a.zip", zipped({"a.jpg": bytes(160 * 1024 * 1024)}))})
    with pytest.raises(NotPreservable, match="limit"):
        build_sip(work, describe(work), CONTRACT, signer)
