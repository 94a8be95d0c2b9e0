"""Where connections wait for their clients without holding a thread.

A worker's event loop reads the head of each request, and the whole of a small one, before a thread is given to it;
keeps connections between two requests; and discards what a client still sends after it has been answered. Who is slow
costs a place in a table here. Only a large body is read by a thread, and of those only as many as leave threads for
everybody else.

Everything here runs on the worker's main thread and never blocks.
"""

import contextlib
import ipaddress
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from settings.bodies import SMALL_BODY_BYTES

# The longest a client may take, in seconds: from one request to the next is gunicorn's `keepalive`.
HEAD_SECONDS = 20.0
BODY_SECONDS = 30.0
DISCARD_SECONDS = 10.0
# How long a request may wait until its address has fewer others under way.
TURN_SECONDS = 60.0
# How long a stopping worker discards what comes after an answer.
STOPPING_SECONDS = 2.0

HEAD_BYTES = 64 * 1024
# What is read and thrown away after an answer, at most.
DISCARD_BYTES = 512 * 1024 * 1024
_PIECE = 64 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_UNKNOWN = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)

_ANSWER = (
    "HTTP/1.1 {status}\r\nConnection: close\r\nRetry-After: 10\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nContent-Security-Policy: default-src 'none'\r\n"
    "Referrer-Policy: same-origin\r\nContent-Length: {length}\r\n\r\n{words}"
)
SLOW = (
    "408 Request Timeout",
    "The request did not arrive in time. Nothing was kept; please send it again.\n",
)
LONG = ("431 Request Header Fields Too Large", "The request has more header fields than this server reads.\n")
BUSY = (
    "503 Service Unavailable",
    "As many uploads arrive as this server takes at once. Nothing was kept; please send yours again in a moment.\n",
)
CROWD = (
    "503 Service Unavailable",
    "Your address has too many requests under way. Wait for some of them before you send more.\n",
)


@dataclass(slots=True, eq=False)
class Visit:
    """A connection that no thread has: ``received`` of its next request, and what happens next to it."""

    conn: Any  # gunicorn's TConn
    address: str  # "" for our own proxies, which many share
    step: "Step"
    deadline: float
    watched: bool = False  # by the event loop
    received: bytearray = field(default_factory=bytearray)
    wanted: int = 0  # the length of the whole request, once it is known
    upload: bool = False  # a thread has to read the body
    discard: int = 0  # bytes still to be thrown away


Step = Callable[[Visit, bytes], None]


class Lobby:
    """The connections of one worker that wait."""

    def __init__(self, worker: Any, *, threads: int, keepalive: float, patience: float) -> None:
        """``keepalive``: seconds for the first byte of a request; ``patience``: at most so many for any other step."""
        self._worker = worker
        self._keepalive = keepalive
        self._head_seconds = min(HEAD_SECONDS, patience)
        self._body_seconds = min(BODY_SECONDS, patience)
        # Neither uploads nor the requests of one address ever take the last quarter of the threads.
        self._most = max(1, threads * 3 // 4)
        self._visits: dict[Any, Visit] = {}
        self._uploads = 0
        self._busy: Counter[str] = Counter()
        self._swept = 0.0
        self._end = float("inf")  # when nobody waits any more, because the worker stops

    # --- in and out ---------------------------------------------------------------------------------------

    def welcome(self, conn: Any) -> None:
        """A new connection."""
        conn.address = self._address(conn)
        self.enter(conn)

    def enter(self, conn: Any, received: bytes = b"", discard: int = 0) -> None:
        """Wait for the next request, of which ``received`` has come, after ``discard`` more bytes of the last."""
        if discard:
            visit = self._watch(conn, self._skip, self._in(DISCARD_SECONDS))
            visit.discard = discard
        else:
            visit = self._watch(conn, self._read_head, self._in(self._keepalive))
        if received:
            visit.step(visit, received)

    def linger(self, conn: Any) -> None:
        """Discard what the client still sends for a while, so that it comes to read its answer; then close.

        Closed at once, the kernel would tell the client of a reset and it might never see the answer.
        """
        seconds = DISCARD_SECONDS if self._worker.alive else STOPPING_SECONDS
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
        else:
            self._watch(conn, self._throw_away, time.monotonic() + seconds).discard = DISCARD_BYTES

    def left(self, conn: Any) -> None:
        """A thread is done with a connection: the next of its address may have one."""
        if conn.upload:
            self._uploads -= 1
        address = conn.address
        self._busy[address] -= 1
        if address and self._busy[address] == self._most - 1:
            self._next_turn(address)
        if not self._busy[address]:
            del self._busy[address]

    def _next_turn(self, address: str) -> None:
        for visit in self._visits.values():
            if visit.address == address and visit.step == self._take_turn:
                self._want_thread(visit)
                return

    def _watch(self, conn: Any, step: Step, deadline: float) -> Visit:
        """From now on what comes is given to ``step``, until the deadline."""
        visit = self._visits.get(conn)
        if visit is None:
            visit = self._visits[conn] = Visit(conn, conn.address, step, deadline)
            conn.sock.setblocking(False)
        else:
            visit.step, visit.deadline = step, deadline
        if not visit.watched:
            visit.watched = True
            self._worker.poller.register(conn.sock, selectors.EVENT_READ, lambda _: self._readable(visit))
        return visit

    def _unwatch(self, visit: Visit) -> None:
        if visit.watched:
            visit.watched = False
            self._worker.poller.unregister(visit.conn.sock)

    # --- what is read -------------------------------------------------------------------------------------

    def _readable(self, visit: Visit) -> None:
        try:
            data = visit.conn.sock.recv(_PIECE)
        except BlockingIOError:
            pass
        except OSError:
            self._close(visit.conn)
        else:
            visit.step(visit, data)

    def _read_head(self, visit: Visit, data: bytes) -> None:
        searched = max(2, len(visit.received) - 3)
        if not visit.received:
            visit.deadline = self._in(self._head_seconds)
        visit.received += data
        end = visit.received.find(b"\r\n\r\n", searched)
        if end >= 0:
            self._judge(visit, end + 4)
        elif not data:
            self._close(visit.conn)
        elif len(visit.received) > HEAD_BYTES:
            self._refuse(visit, LONG)

    def _judge(self, visit: Visit, head: int) -> None:
        """The head is here: is the body to be waited for here, or to be read by a thread?"""
        told = _LENGTH.search(visit.received, 0, head)
        length = int(told[1]) if told else 0
        visit.upload = length > SMALL_BODY_BYTES or _UNKNOWN.search(visit.received, 0, head) is not None
        visit.wanted = head if visit.upload else head + length
        visit.step, visit.deadline = self._read_body, self._in(self._body_seconds)
        if len(visit.received) >= visit.wanted:
            self._want_thread(visit)

    def _read_body(self, visit: Visit, data: bytes) -> None:
        visit.received += data
        # One that was cut short goes on as it is: the application counts, and says what is wrong.
        if len(visit.received) >= visit.wanted or not data:
            self._want_thread(visit)

    def _skip(self, visit: Visit, data: bytes) -> None:
        """Throw away the rest of a body; what follows it is the next request."""
        if not data:
            self._close(visit.conn)
            return
        rest = data[visit.discard :]
        visit.discard -= len(data) - len(rest)
        if not visit.discard:
            visit.step, visit.deadline = self._read_head, self._in(self._keepalive)
            if rest:
                self._read_head(visit, rest)

    def _throw_away(self, visit: Visit, data: bytes) -> None:
        visit.discard -= len(data)
        if not data or visit.discard <= 0:
            self._close(visit.conn)

    def _take_turn(self, visit: Visit, data: bytes) -> None:
        """Nothing is read of a connection that waits for its turn."""

    # --- who gets a thread --------------------------------------------------------------------------------

    def _want_thread(self, visit: Visit) -> None:
        if visit.upload and self._uploads >= self._most:
            self._refuse(visit, BUSY)
        elif visit.address and self._busy[visit.address] >= self._most:
            visit.step, visit.deadline = self._take_turn, self._in(TURN_SECONDS)
            self._unwatch(visit)
        else:
            self._hand_over(visit)

    def _hand_over(self, visit: Visit) -> None:
        self._uploads += visit.upload
        if visit.upload:
            self._worker.readers.trim()
        self._busy[visit.address] += 1
        del self._visits[visit.conn]
        self._unwatch(visit)
        self._worker.serve(visit.conn, bytes(visit.received), upload=visit.upload)

    def for_readers(self) -> int:
        """How many threads may wait for slow readers, beside the uploads."""
        return self._most - self._uploads

    def _address(self, conn: Any) -> str:
        """Whose connections count together; an IPv6 client has a whole /64, proxies of ours are exempt."""
        if not isinstance(conn.client, tuple):
            return ""  # a Unix socket: whoever reaches it stands before us
        ip = ipaddress.ip_address(str(conn.client[0]).partition("%")[0])
        if any(ip in network for network in self._worker.cfg.forwarded_allow_networks()):
            return ""
        return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))

    # --- who has to go ------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Send away whose time is over; the event loop asks again and again, once a second is enough."""
        now = time.monotonic()
        if now - self._swept < 1.0:
            return
        self._swept = now
        for visit in [visit for visit in self._visits.values() if visit.deadline <= now]:
            self._send_away(visit)

    def _send_away(self, visit: Visit) -> None:
        if visit.step == self._take_turn:
            self._refuse(visit, CROWD)
        elif visit.received:
            self._refuse(visit, SLOW)
        else:
            self._close(visit.conn)

    def make_room(self) -> bool:
        """Close the oldest connection of whoever has most of them here; False when there is none."""
        crowds = Counter(visit.address for visit in self._visits.values())
        if not crowds:
            return False
        crowd = crowds.most_common(1)[0][0]
        self._close(next(conn for conn, visit in self._visits.items() if visit.address == crowd))
        return True

    def _in(self, seconds: float) -> float:
        """The moment in so many seconds, or the end."""
        return min(time.monotonic() + seconds, self._end)

    def close_by(self, deadline: float) -> None:
        """The worker stops: nobody waits longer than until then, neither who is here nor who still comes in."""
        self._end = deadline
        for visit in self._visits.values():
            visit.deadline = min(visit.deadline, deadline)

    def _refuse(self, visit: Visit, answer: tuple[str, str]) -> None:
        status, words = answer
        self._worker.log.info("%s: %s", visit.conn.client, status)
        visit.received.clear()
        with contextlib.suppress(OSError):
            visit.conn.sock.send(_ANSWER.format(status=status, length=len(words), words=words).encode())
        self.linger(visit.conn)

    def _close(self, conn: Any) -> None:
        visit = self._visits.pop(conn, None)
        if visit is not None:
            self._unwatch(visit)
        self._worker.nr_conns -= 1
        conn.close()
