"""Sending over SFTP, to a server of another make."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.sftp import Credentials, SftpPlace, SftpRefused, SftpUnavailable, connect
from tests.support.sftp_server import USER, SftpServer


def alive() -> None:
    """Nothing stops the work."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    """A server with an empty folder."""
    (tmp_path / "root").mkdir()
    with SftpServer(tmp_path / "root", tmp_path / "keys", password="letmein") as running:
        yield running


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder to send."""
    (tmp_path / "one" / "objects" / "empty").mkdir(parents=True)
    (tmp_path / "one" / "objects" / "é.txt").write_bytes(b"x" * 700_000)
    return tmp_path / "one"


def with_key(server: SftpServer) -> Credentials:
    """The user's key."""
    return Credentials(key_file=str(server.key_file))


def test_a_folder_arrives_whole_and_replaces_an_older_one(server: SftpServer, bundle: Path) -> None:
    (server.root / "one" / "old").mkdir(parents=True)
    (server.root / ".one.uploading").mkdir()
    with connect(SftpPlace.parse(server.url), with_key(server), known_hosts=str(server.known_hosts)) as sftp:
        sftp.put_tree(bundle, "one", alive=alive)
        assert sftp.exists("one")

    assert [path.name for path in server.root.iterdir()] == ["one"]
    assert sorted(str(path.relative_to(server.root)) for path in server.root.rglob("*")) == [
        "one",
        "one/objects",
        "one/objects/empty",
        "one/objects/é.txt",
    ]
    assert (server.root / "one" / "objects" / "é.txt").read_bytes() == b"x" * 700_000


def test_a_folder_is_removed_with_all_that_is_in_it(server: SftpServer, bundle: Path) -> None:
    with connect(SftpPlace.parse(server.url), with_key(server), known_hosts=str(server.known_hosts)) as sftp:
        sftp.put_tree(bundle, "one", alive=alive)

        sftp.remove("one")
        sftp.remove("one")

    assert list(server.root.iterdir()) == []


def test_a_password_opens_it_too(server: SftpServer) -> None:
    with connect(
        SftpPlace.parse(server.url), Credentials(password="letmein"), known_hosts=str(server.known_hosts)
    ) as sftp:
        assert not sftp.exists("one")


def test_a_host_key_that_is_not_known_is_refused(server: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("")

    with (
        pytest.raises(SftpRefused),
        connect(SftpPlace.parse(server.url), with_key(server), known_hosts=str(tmp_path / "nobody")),
    ):
        pass


def test_a_host_key_that_changed_is_refused(server: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with SftpServer(tmp_path / "other", tmp_path / "other keys") as other:
        line = other.known_hosts.read_text().replace(f":{other.port} ", f":{server.port} ")
    (tmp_path / "hosts").write_text(line)

    with (
        pytest.raises(SftpRefused),
        connect(SftpPlace.parse(server.url), with_key(server), known_hosts=str(tmp_path / "hosts")),
    ):
        pass


def test_a_wrong_password_is_refused(server: SftpServer) -> None:
    with (
        pytest.raises(SftpRefused),
        connect(
            SftpPlace.parse(server.url), Credentials(password="wrong"), known_hosts=str(server.known_hosts)
        ),
    ):
        pass


def test_nobody_there_may_pass(server: SftpServer) -> None:
    place = SftpPlace(host="127.0.0.1", port=9, user=USER, folder="/")

    with pytest.raises(SftpUnavailable), connect(place, Credentials(password="x"), known_hosts=""):
        pass


def test_a_link_is_not_sent(server: SftpServer, bundle: Path) -> None:
    (bundle / "link").symlink_to("/etc/passwd")

    with (
        connect(SftpPlace.parse(server.url), with_key(server), known_hosts=str(server.known_hosts)) as sftp,
        pytest.raises(SftpRefused),
    ):
        sftp.put_tree(bundle, "one", alive=alive)
    assert not (server.root / "one").exists()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "sftp://ann@am.example.org/in/box",
            SftpPlace(host="am.example.org", port=22, user="ann", folder="/in/box"),
        ),
        ("sftp://a%40b@h:2222", SftpPlace(host="h", port=2222, user="a@b", folder=".")),
    ],
)
def test_addresses(url: str, place: SftpPlace) -> None:
    assert SftpPlace.parse(url) == place


@pytest.mark.parametrize("url", ["ftp://a@h/", "sftp://h/x", "sftp://a:secret@h/x", "/in/box", "sftp://"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"SFTP|password"):
        SftpPlace.parse(url)
