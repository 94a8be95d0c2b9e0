"""A second host: a network namespace with one line to this one, which can be cut. Needs root."""

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit, urlunsplit

HERE, THERE = "10.203.77.1", "10.203.77.2"


class NoNamespaces(Exception):
    """Namespaces cannot be made here."""


class OtherHost:
    """Made and removed with the block; what it reaches of this host goes through `door`."""

    def __init__(self) -> None:
        self.name = f"faults{os.getpid()}"
        self._near, self._far = f"fn{os.getpid()}", f"ff{os.getpid()}"
        self._doors: list[socket.socket] = []

    def __enter__(self) -> "OtherHost":
        if os.geteuid() != 0:
            raise NoNamespaces("network namespaces are made by root alone")
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
        except (OSError, subprocess.CalledProcessError) as error:
            self._remove()
            raise NoNamespaces(str(error)) from error
        _ip("addr", "add", f"{HERE}/30", "dev", self._near)
        _ip("link", "set", self._near, "up")
        for words in (
            ("addr", "add", f"{THERE}/30", "dev", self._far),
            ("link", "set", self._far, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self.name, *words)
        return self

    def __exit__(self, *error: object) -> None:
        for door in self._doors:
            door.close()
        self._remove()

    def _remove(self) -> None:
        # The line goes with the namespace that holds its other end.
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _ip("link", "del", self._near)
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _ip("netns", "del", self.name)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """For the block nothing gets through, in either direction, and nobody is told."""
        _ip("link", "set", self._near, "down")
        try:
            yield
        finally:
            _ip("link", "set", self._near, "up")

    def runs(self, command: str) -> str:
        """A command as it is run there."""
        return f"ip netns exec {self.name} {command}"

    def database(self, url: str) -> str:
        """The address of the database (on a socket of this host), for use there."""
        parts = urlsplit(url)
        words = parse_qs(parts.query)
        path = f"{words['host'][0]}/.s.PGSQL.{words['port'][0]}"
        port = self.door(lambda: _connected(socket.AF_UNIX, path))
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{HERE}:{port}", query=""))

    def broker(self, url: str) -> str:
        """The address of the broker (on a port of this host's loopback), for use there."""
        parts = urlsplit(url)
        if parts.port is None:
            return url
        near = ("127.0.0.1", parts.port)
        port = self.door(lambda: _connected(socket.AF_INET, near))
        return urlunsplit(
            parts._replace(netloc=parts.netloc.replace(f"127.0.0.1:{near[1]}", f"{HERE}:{port}"))
        )

    def door(self, connect: Callable[[], socket.socket]) -> int:
        """A port of this host's address on the line, behind which ``connect`` leads on."""
        listener = socket.create_server((HERE, 0))
        self._doors.append(listener)
        threading.Thread(target=_keep_door, args=(listener, connect), daemon=True).start()
        return int(listener.getsockname()[1])


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _connected(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    found.connect(address)
    return found


def _keep_door(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = connect()
        except OSError:
            near.close()
            continue
        threading.Thread(target=_join, args=(near, far), daemon=True).start()


def _join(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
