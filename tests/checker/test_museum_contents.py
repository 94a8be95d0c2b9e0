"""A museum's package judged by its contents, in a process that can do no harm."""

import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from checker.museum_contents import content_findings
from checker.profiles.museum import RULES
from client.transfer_package.contents import Contents
from client.transfer_package.options import Options
from packages import Limits


class Alive:
    """A lease that is never lost, of a test that holds none."""

    def check(self) -> None:
        pass


def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG")
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def reasons(tmp_path: Path, settings: Settings) -> Callable[[dict[str, bytes]], dict[str, str]]:
    """The reason for each file of a package that is refused."""
    settings.STAGING_ROOT = str(tmp_path)

    def judge(files: dict[str, bytes]) -> dict[str, str]:
        path = tmp_path / "package.tar"
        with tarfile.open(path, "w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, BytesIO(content))
        found = content_findings(path, Limits(), Alive())  # type: ignore[arg-type]
        return {finding.subject: finding.message.partition(". ")[0] for finding in found}

    return judge


def test_each_file_that_cannot_be_preserved_is_told(
    reasons: Callable[[dict[str, bytes]], dict[str, str]],
) -> None:
    assert reasons(
        {
            "reports/Object.xml": b"<a/>",
            "attachments/1/Multimedia.xml": b"<a/>",
            "attachments/1/good.jpg": jpeg(),
            "attachments/2/a.wad": b"IWAD",
            "attachments/3/a.tif": b"II*\0",
            "attachments/4/good.zip": zipped({"in/a.jpg": jpeg(), "b.JPG": jpeg()}),
            "attachments/5/inner.zip": zipped({"a.exe": b"MZ", "b.jpg": jpeg()}),
            "attachments/6/nested.zip": zipped({"a.zip": zipped({"a.jpg": jpeg()}), "b.jpg": jpeg()}),
            "attachments/7/damaged.zip": b"PK\3\4",
            "attachments/8/name.zip": zipped({"kärpänen.jpg": jpeg(), "b.jpg": jpeg()}),
        }
    ) == {
        "attachments/2/a.wad": "Unsupported file format: wad",
        "attachments/3/a.tif": "TIFF file failed JHOVE validation",
        "attachments/5/inner.zip": "Unsupported file format: exe",
        "attachments/6/nested.zip": "Unsupported file format: zip",
        "attachments/7/damaged.zip": "Unsupported file format: zip",
        "attachments/8/name.zip": "Filename contains non-ASCII characters",
    }


def test_names_are_judged_with_the_list_of_members() -> None:
    contents = Contents(
        files={"attachments/1/ä.jpg": 1, "attachments/1/Multimedia.xml": 1, "reports/lido.xml": 1}
    )
    found = {finding.code: finding.subject for finding in RULES.judge(contents, Options.of({}))}
    assert found == {
        "museum.filename.characters": "attachments/1/ä.jpg",
        "package.museum.object": "reports/Object.xml",
    }
