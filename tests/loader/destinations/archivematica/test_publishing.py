"""Publishers: how a bundle gets to where Archivematica looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.destinations.archivematica.publishing import LocalFolder, Publisher, SftpFolder
from loader.sftp import Credentials, SftpPlace
from tests.support.sftp_server import SftpServer


def alive() -> None:
    """Nothing stops the work."""


@pytest.fixture(params=["local", "sftp"])
def publisher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Publisher]:
    """Either kind; what it publishes is seen below ``seen``."""
    seen = tmp_path / "seen"
    seen.mkdir()
    if request.param == "local":
        yield LocalFolder(seen)
        return
    with SftpServer(seen, tmp_path / "keys") as server:
        yield SftpFolder(
            SftpPlace.parse(server.url),
            Credentials(key_file=str(server.key_file)),
            str(server.known_hosts),
            tmp_path / "workshop",
        )


def build(publisher: Publisher, name: str = "one") -> None:
    """A small bundle."""
    folder = publisher.workplace(name) / "objects"
    folder.mkdir(parents=True)
    (folder / "a").write_text("a")


def test_a_bundle_is_seen_and_then_gone(publisher: Publisher, tmp_path: Path) -> None:
    build(publisher)

    publisher.publish("one", alive=alive)
    publisher.publish("one", alive=alive)

    assert (tmp_path / "seen" / "one" / "objects" / "a").read_text() == "a"
    publisher.withdraw("one")
    publisher.withdraw("one")
    assert list((tmp_path / "seen").iterdir()) == []
    assert not publisher.workplace("one").exists()


def test_a_bundle_that_vanished_is_told(publisher: Publisher) -> None:
    with pytest.raises(FileNotFoundError):
        publisher.publish("one", alive=alive)


def test_what_attempts_left_goes_too(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "seen" / ".one.partial").mkdir()
    (tmp_path / "seen" / ".one.uploading").mkdir()
    (tmp_path / "seen" / "other").mkdir()

    publisher.withdraw("one")

    left = {path.name for path in (tmp_path / "seen").iterdir()}
    assert "other" in left
    assert len(left) == 2  # the other kind's forerunner is none of its business
