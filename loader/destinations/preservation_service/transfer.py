"""Submission over SFTP: a SIP goes up under a name that the service ignores, and is renamed once it is whole.

No SIP is sent twice. Before the last step, the renaming, a caller notes that it is about to happen; a run that comes
after an interruption then knows, when the unfinished name is gone, that the SIP was handed over.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from loader.sftp import Credentials, Sftp, SftpPlace, connect

INCOMPLETE = ".incomplete"


class NotSetUp(Exception):
    """The settings do not say where the service is, or how to log in."""


def transfer_folder(home: str) -> str:
    """Where SIPs are put, below the folder that one logs in to."""
    return (
        f"{home.strip('/')}/transfer".lstrip("/")
        if not home.startswith("/")
        else f"{home.rstrip('/')}/transfer"
    )


@contextmanager
def service() -> Iterator[Sftp]:
    """A connection to the service that the settings name. Raises NotSetUp, SftpRefused, SftpUnavailable."""
    missing = [
        name
        for name in ("DPRES_SFTP_HOST", "DPRES_SFTP_USERNAME", "DPRES_SFTP_KEY", "DPRES_SFTP_KNOWN_HOSTS")
        if not getattr(settings, name)
    ]
    if missing:
        raise NotSetUp(f"The preservation service is not set up: set {', '.join(missing)}.")
    place = SftpPlace(
        host=settings.DPRES_SFTP_HOST,
        port=settings.DPRES_SFTP_PORT,
        user=settings.DPRES_SFTP_USERNAME,
        folder=".",
    )
    credentials = Credentials(key_file=settings.DPRES_SFTP_KEY)
    with connect(place, credentials, known_hosts=settings.DPRES_SFTP_KNOWN_HOSTS) as sftp:
        yield sftp


def submit(
    sftp: Sftp,
    sip: Path,
    home: str,
    *,
    was_renaming: bool,
    before_renaming: Callable[[], None],
    alive: Callable[[], None] = lambda: None,
) -> bool:
    """Hand a SIP over; return False if an earlier attempt had done so.

    ``was_renaming``: an earlier attempt noted that it was about to rename; ``before_renaming`` notes it now.
    """
    name = f"{transfer_folder(home)}/{sip.name}"
    unfinished = name + INCOMPLETE
    if sftp.exists(name) or (was_renaming and not sftp.exists(unfinished)):
        return False
    sftp.put_resumed(sip, unfinished, alive=alive, begin_anew=not _is_same_file(sip))
    before_renaming()
    sftp.rename(unfinished, name)
    return True


def _is_same_file(sip: Path) -> bool:
    """Whether the last attempt sent this very file, so that it may go on where that broke off."""
    marker = sip.with_name(sip.name + ".upload")
    about = [sip.stat().st_size, sip.stat().st_mtime_ns]
    try:
        same = json.loads(marker.read_text()) == about
    except (FileNotFoundError, ValueError):
        same = False
    marker.write_text(json.dumps(about))
    return bool(same)
