"""Sending files over SFTP to a server whose host key is known.

What arrives has a name that says so until it is whole, and is then renamed: whoever watches the folder on the other
side never sees half of anything.
"""

import errno
import logging
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import paramiko

# It tells of every connection; what goes wrong is raised.
logging.getLogger("paramiko").setLevel(logging.WARNING)

CHUNK = 256 * 1024
CONNECT_SECONDS = 20.0
SILENCE_SECONDS = 120.0


class SftpRefused(Exception):
    """The server is not the one that it should be, or does not let us in: asking again will not help."""


class SftpUnavailable(Exception):
    """The server is not to be reached, or broke off: asking again may help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SftpPlace:
    """A folder on an SFTP server; ``folder`` is absolute, or relative to where the server lets us in."""

    host: str
    port: int
    user: str
    folder: str

    @classmethod
    def parse(cls, url: str) -> "SftpPlace":
        """From ``sftp://user@host[:port]/folder``. Raises ValueError; a password in the address is refused."""
        parts = urlsplit(url)
        if parts.scheme != "sftp" or not parts.hostname or not parts.username:
            raise ValueError("An SFTP address is sftp://user@host/folder.")
        if parts.password is not None:
            raise ValueError("Leave the password out of the address: it would be stored in clear.")
        return cls(
            host=parts.hostname,
            port=parts.port or 22,
            user=unquote(parts.username),
            folder=unquote(parts.path) or ".",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """How we log in: with a private key in a file, with a password, or (both empty) with the keys of this account."""

    key_file: str = ""
    password: str = ""


class Sftp:
    """An open connection; all names are relative to the place's folder."""

    def __init__(self, client: paramiko.SFTPClient, folder: str) -> None:
        self._client = client
        self._root = PurePosixPath(folder)

    def put_tree(self, local: Path, name: str, *, alive: Callable[[], None]) -> None:
        """Send a file or folder; it appears whole under ``name`` and replaces what had that name."""
        arriving = f".{name}.uploading"
        self.remove(arriving)
        with _translated_errors():
            self._put(local, self._path(arriving), alive)
        self.remove(name)
        with _translated_errors():
            self._client.rename(self._path(arriving), self._path(name))

    def _put(self, local: Path, remote: str, alive: Callable[[], None]) -> None:
        if local.is_symlink():
            raise SftpRefused(f"{local.name} is a link; only files and folders are sent.")
        if local.is_dir():
            self._client.mkdir(remote)
            for path in sorted(local.iterdir()):
                self._put(path, f"{remote}/{path.name}", alive)
            return
        with local.open("rb") as source, self._client.open(remote, "wb") as target:
            target.set_pipelined(True)
            while chunk := source.read(CHUNK):
                alive()
                target.write(chunk)
        if self._client.stat(remote).st_size != local.stat().st_size:
            raise SftpUnavailable(f"{local.name} arrived with another length.")

    def put_resumed(
        self, local: Path, name: str, *, alive: Callable[[], None], begin_anew: bool = False
    ) -> None:
        """Send a file under ``name``; go on behind what is there, unless it is to be begun anew.

        Raises `SftpUnavailable` when it breaks off, or has another length in the end.
        """
        with _translated_errors(), local.open("rb") as source:
            there = 0 if begin_anew else self._size(self._path(name))
            size = local.stat().st_size
            source.seek(there if there <= size else 0)
            with self._client.open(self._path(name), "ab" if 0 < there <= size else "wb") as target:
                target.set_pipelined(True)
                while chunk := source.read(CHUNK):
                    alive()
                    target.write(chunk)
            if self._size(self._path(name)) != size:
                raise SftpUnavailable(f"{local.name} arrived with another length.")

    def rename(self, name: str, other: str) -> None:
        """Give a file another name, which nothing has."""
        with _translated_errors():
            self._client.rename(self._path(name), self._path(other))

    def names(self, folder: str) -> list[str]:
        """What is in a folder; nothing is in one that is not there."""
        with _translated_errors(), suppress(FileNotFoundError):
            return sorted(self._client.listdir(self._path(folder)))
        return []

    def modified(self, name: str) -> float:
        """When a file was changed, in seconds since 1970."""
        with _translated_errors():
            return float(self._client.stat(self._path(name)).st_mtime or 0)

    def fetch(self, name: str, local: Path) -> None:
        """Write a file to ``local``, which has its name only once it is whole. Raises FileNotFoundError."""
        half = local.with_name(local.name + ".download")
        try:
            self._client.stat(self._path(name))
        except FileNotFoundError:
            raise FileNotFoundError(name) from None
        with _translated_errors():
            self._client.get(self._path(name), str(half))
        half.replace(local)

    def _size(self, remote: str) -> int:
        with suppress(FileNotFoundError):
            return int(self._client.stat(remote).st_size or 0)
        return 0

    def exists(self, name: str) -> bool:
        """Whether something has this name."""
        with _translated_errors():
            return self._exists(self._path(name))

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it; nothing there is well too."""
        with _translated_errors():
            self._remove(self._path(name))

    def _exists(self, remote: str) -> bool:
        with suppress(FileNotFoundError):
            self._client.lstat(remote)
            return True
        return False

    def _remove(self, remote: str) -> None:
        try:
            mode = self._client.lstat(remote).st_mode or 0
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            self._client.remove(remote)
            return
        for entry in self._client.listdir(remote):
            self._remove(f"{remote}/{entry}")
        self._client.rmdir(remote)

    def _path(self, name: str) -> str:
        return str(self._root / name)


@contextmanager
def connect(place: SftpPlace, credentials: Credentials, *, known_hosts: str = "") -> Iterator[Sftp]:
    """Log in. ``known_hosts``: a file in OpenSSH's format, this account's own if not given.

    Raises `SftpRefused` for an unknown or changed host key and for a log-in that fails, `SftpUnavailable` for all
    that may pass. Both are also raised by the connection's own calls.
    """
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        with _translated_errors():
            if known_hosts:
                client.load_host_keys(known_hosts)
            else:
                client.load_system_host_keys()
            client.connect(
                place.host,
                place.port,
                place.user,
                password=credentials.password or None,
                key_filename=credentials.key_file or None,
                allow_agent=credentials == Credentials(),
                look_for_keys=credentials == Credentials(),
                timeout=CONNECT_SECONDS,
                banner_timeout=CONNECT_SECONDS,
                auth_timeout=CONNECT_SECONDS,
            )
            sftp = client.open_sftp()
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(SILENCE_SECONDS)
        with sftp:
            yield Sftp(sftp, place.folder)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Failures of the connection in our two kinds; failures of local disks pass unchanged."""
    try:
        yield
    except (paramiko.BadHostKeyException, paramiko.AuthenticationException) as error:
        raise SftpRefused(f"The SFTP server cannot be used: {error}.") from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise SftpRefused(f"The SFTP server's host key is not known: {error}.") from error
        raise SftpUnavailable(f"The SFTP connection broke: {error}.") from error
    except (EOFError, TimeoutError, socket.gaierror, ConnectionError) as error:
        raise SftpUnavailable(
            f"The SFTP server is not to be reached: {str(error) or 'it hung up'}."
        ) from error
    except PermissionError as error:
        raise SftpRefused(f"The SFTP server does not allow it: {error}.") from error
    except OSError as error:
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH) or isinstance(
            error, paramiko.ssh_exception.NoValidConnectionsError
        ):
            raise SftpUnavailable(f"The SFTP server is not to be reached: {error}.") from error
        # SFTP has one code for most failures, a full disk among them.
        raise SftpUnavailable(f"The SFTP server failed: {error}.") from error
