"""A museum that is set up: MuseumPlus, the preservation service, settings, collection and client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from sources.museumplus.harvest import sync
from sources.museumplus.harvest.client import connect
from sources.museumplus.setup import set_up
from tests.support import museumplus as double
from tests.support.certificates_of_signers import write_signer
from tests.support.preservation_service import CONTRACT, Ingester
from tests.support.sftp_server import USER, SftpServer

FIELD = "ObjPreservationClb"


class Museum:
    """Both doubles, and shortcuts."""

    def __init__(self, plus: double.MuseumPlus, ingester: Ingester) -> None:
        self.plus, self.ingester = plus, ingester

    def harvest(self) -> None:
        """The three synchronisations."""
        with connect() as client:
            sync.sync_objects(client)
            sync.sync_attachments(client)
        sync.sync_hashes()

    def add(self, number: int, *files: tuple[str, bytes], **about: object) -> None:
        """An object with these attachments."""
        linked = tuple(number * 100 + place for place in range(len(files)))
        self.plus.add_object(number, multimedia=linked, **about)
        for key, (name, content) in zip(linked, files, strict=True):
            self.plus.add_multimedia(key, filename=name, attachment=content, objects=(number,))


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_signer(tmp_path_factory.mktemp("signer") / "signer.pem")


@pytest.fixture
def whole(
    transactional_db: None, settings: Settings, tmp_path: Path, signer: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Museum]:
    """Everything running, nothing harvested."""
    for name in ("STAGING_ROOT", "PACKAGE_DIR", "ARCHIVE_DIR"):
        setattr(settings, name, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    settings.METS_ORGANIZATION_NAME, settings.METS_CONTRACT_ID = "Museum", CONTRACT
    settings.SIP_SIGN_KEY, settings.DPRES_STATUS_BACKEND = str(signer), "sftp"
    settings.MUSEUMPLUS_PRESERVATION_FIELD = FIELD
    settings.MIN_FREE_BYTES = 1
    monkeypatch.setattr("sources.museumplus.harvest.client.PAUSES", (0.0,))
    ingester = Ingester(tmp_path / "service", signer.with_suffix(".crt"))
    with double.museumplus() as plus, SftpServer(ingester.root, tmp_path / "keys") as sftp:
        settings.MUSEUMPLUS_URL = plus.url
        settings.MUSEUMPLUS_USERNAME, settings.MUSEUMPLUS_PASSWORD = double.USERNAME, double.PASSWORD
        settings.DPRES_SFTP_HOST, settings.DPRES_SFTP_PORT = "127.0.0.1", sftp.port
        settings.DPRES_SFTP_USERNAME, settings.DPRES_SFTP_KEY = USER, str(sftp.key_file)
        settings.DPRES_SFTP_KNOWN_HOSTS, settings.DPRES_SFTP_HOME = str(sftp.known_hosts), ""
        set_up()
        yield Museum(plus, ingester)
