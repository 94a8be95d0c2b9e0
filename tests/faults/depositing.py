"""Clients that deposit over HTTP without end, and remember what they were answered."""

import base64
import contextlib
import http.client
import re
import threading
import time
from dataclasses import dataclass, field

from tests.faults.service import PASSWORD, Service
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

# What a client may be answered while the service is being harmed; anything else is a fault.
BUSY = {429, 503, 507}


def multipart(number: int, files: int = 3) -> tuple[bytes, bool]:
    """A deposit of its own content; every seventh is one that the checker must reject."""
    bad = number % 7 == 6
    content = {f"p-{number}/{n}": f"{number}-{n}".encode() * 20 for n in range(files)}
    package = make_zip({}) if bad else (make_tar(content) if number % 2 else make_zip(content))
    kind = "application/x-tar" if number % 2 and not bad else "application/zip"
    return form(number, package, kind), bad


def form(number: int, package: bytes, kind: str) -> bytes:
    """A package and its metadata, as one request."""
    entry = atom_entry(create_origin(f"https://faults.example.org/{number}"))
    return (
        b"--B\r\nContent-Disposition: form-data; name=atom; filename=a\r\nContent-Type: application/atom+xml\r\n\r\n"
        + entry
        + b"\r\n--B\r\nContent-Disposition: form-data; name=file; filename=p\r\nContent-Type: "
        + kind.encode()
        + b"\r\n\r\n"
        + package
        + b"\r\n--B--\r\n"
    )


@dataclass(slots=True)
class Told:
    """What clients know: ids answered with 201 and what must become of them; and what they could not know."""

    accepted: dict[int, str] = field(default_factory=dict)
    unsure: int = 0
    busy: int = 0
    refused: int = 0  # nobody listened: nothing was sent
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


def credentials(client: str = "faults") -> dict[str, str]:
    """The headers of a deposit."""
    word = base64.b64encode(f"{client}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {word}", "Content-Type": "multipart/form-data; boundary=B"}


def post(port: int, body: bytes, timeout: float = 30, client: str = "faults") -> tuple[int, bytes]:
    """One deposit. Raises OSError or HTTPException when the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/1/faults/", body, credentials(client))
        answer = connection.getresponse()
        told = answer.read()
        if answer.status in BUSY and "Retry-After" not in answer.headers:
            return 500, b"no Retry-After: " + told
        return answer.status, told
    finally:
        connection.close()


def deposit_id(answer: bytes) -> int:
    """The number in a receipt."""
    match = re.search(rb"deposit_id>(\d+)<", answer)
    assert match is not None, answer
    return int(match[1])


class Depositors:
    """So many threads that deposit until there are ``count`` deposits or they are stopped."""

    def __init__(self, service: Service, *, count: int, threads: int = 4, pause: float = 0.0) -> None:
        self.told = Told()
        self._service, self._count, self._pause = service, count, pause
        self._next = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self._count:
                return None
            self._next += 1
            return self._next

    def _run(self) -> None:
        while (number := self._take()) is not None:
            self._deposit(number)
            time.sleep(self._pause)

    def _deposit(self, number: int) -> None:
        body, bad = multipart(number)
        while True:
            begun = time.monotonic()
            try:
                status, answer = post(self._service.port, body)
            except ConnectionRefusedError:
                with self._lock:
                    self.told.refused += 1
                time.sleep(0.2)
                continue
            except (OSError, http.client.HTTPException):
                # It may have been taken in all the same; sent again, it is another deposit.
                with self._lock:
                    self.told.unsure += 1
                time.sleep(0.1)
                continue
            with self._lock:
                if status == 201:
                    self.told.accepted[deposit_id(answer)] = "rejected" if bad else "done"
                    self.told.slowest = max(self.told.slowest, time.monotonic() - begun)
                    return
                if status not in BUSY:
                    self.told.wrong.append(f"{status}: {answer[:300].decode(errors='replace')}")
                    return
                self.told.busy += 1
            time.sleep(0.2)

    @property
    def alive(self) -> bool:
        """Whether they go on."""
        return any(thread.is_alive() for thread in self._threads)

    def join(self, seconds: float = 600) -> Told:
        """Wait until all deposits are sent."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(IndexError):
            assert not self.alive, "the depositors do not come to an end"
        return self.told
