"""Whether the settings of a pipeline can be what they are meant to be. Pure."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loader.sftp import SftpPlace


def is_zone(name: str) -> bool:
    """Whether this names a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_sftp(transfer_source: str) -> bool:
    """Whether a transfer source is on an SFTP server."""
    return transfer_source.startswith("sftp://")


def transfer_source_fault(text: str) -> str:
    """Why this can be no transfer source, in a sentence; "" when it can. Nothing is looked up."""
    if is_sftp(text):
        try:
            SftpPlace.parse(text)
        except ValueError as error:
            return str(error)
        return ""
    if not Path(text).is_absolute():
        return "Give the transfer source as an absolute path, or as sftp://user@host/folder."
    return ""
