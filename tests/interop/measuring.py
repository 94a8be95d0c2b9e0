"""Where the time of a delivery goes: processor time of the loader, of the RPC servers and of their PostgreSQL."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from loader.destinations.software_heritage import rpc

_TICKS = os.sysconf("SC_CLK_TCK")
_PARALLEL = ("content/add", "content/add/batch", "content/add_metadata")


@dataclass(kw_only=True)
class Took:
    """In seconds."""

    wall: float = 0
    loader: float = 0
    servers: float = 0
    database: float = 0

    def __str__(self) -> str:
        return (
            f"{self.wall:.1f} s; processor: loader {self.loader:.1f}, RPC servers {self.servers:.1f}, "
            f"PostgreSQL {self.database:.1f}"
        )


@contextmanager
def measured(*, servers: Sequence[int], database: int, loader: int) -> Iterator[Took]:
    """What is done meanwhile, by the processes with these numbers; the servers may be children of the loader."""
    took = Took()
    others = {*servers, database}
    before = time.monotonic(), _family(loader, others), sum(map(_family, servers)), _family(database)
    yield took
    took.wall = time.monotonic() - before[0]
    took.loader = _family(loader, others) - before[1]
    took.servers = sum(map(_family, servers)) - before[2]
    took.database = _family(database) - before[3]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _family(pid: int, without: Collection[int] = ()) -> float:
    """Processor seconds of a process and of its children, those that have ended included; without some."""
    total = sum(map(int, _stat(pid)[11:15])) / _TICKS
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if int(child) in without:
            continue
        try:
            total += _family(int(child), without)
        except OSError:
            continue
    return total


@dataclass
class Calls:
    """The calls of a delivery in their order, with their bodies, to be made again without a loader."""

    made: list[tuple[str, str, bytes]] = field(default_factory=list)

    def record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keep what is sent from now on."""
        post: Callable[..., Any] = rpc.Rpc._post

        def kept(server: rpc.Rpc, method: str, body: bytes | Iterator[bytes], headers: Any) -> Any:
            data = body if isinstance(body, bytes) else b"".join(body)
            self.made.append((str(server._client.base_url), method, data))
            return post(server, method, data, headers)

        monkeypatch.setattr(rpc.Rpc, "_post", kept)

    def again(self, addresses: dict[str, str], at_once: int) -> None:
        """Make the same calls at other servers, as many at once as the loader did."""
        with httpx.Client(timeout=300) as client, ThreadPoolExecutor(at_once) as pool:

            def call(one: tuple[str, str, bytes]) -> None:
                kind = {"Content-Type": "application/x-msgpack", "Accept": "application/x-msgpack"}
                answer = client.post(addresses[one[0]] + one[1], content=one[2], headers=kind)
                assert answer.status_code == 200, answer.text

            for parallel, calls in groupby(self.made, lambda one: one[1] in _PARALLEL):
                if parallel:
                    list(pool.map(call, calls))
                else:
                    for one in calls:
                        call(one)
