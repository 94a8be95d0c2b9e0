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
ADDRESS_BUSY = (
    "503 Service Unavailable",
    "Your address has too many requests under way. Wait for some of them before you send more.\n",
)


@dataclass(slots=True, eq=False)
class PendingConnection:
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


Step = Callable[[PendingConnection, bytes], None]


class PendingConnections:
    """The connections of one worker that wait."""

    def __init__(self, worker: Any, *, threads: int, keepalive: float, patience: float) -> None:
        """``keepalive``: seconds for the first byte of a request; ``patience``: at most so many for any other step."""
        self._worker = worker
        self._keepalive = keepalive
        self._head_seconds = min(HEAD_SECONDS, patience)
        self._body_seconds = min(BODY_SECONDS, patience)
        # Neither uploads nor the requests of one address ever take the last quarter of the threads.
        self._most = max(1, threads * 3 // 4)
        self._connections: dict[Any, PendingConnection] = {}
        self._uploads = 0
        self._busy: Counter[str] = Counter()
        self._swept = 0.0
        self._end = float("inf")  # when nobody waits any more, because the worker stops

    # --- in and out ---------------------------------------------------------------------------------------

    def accept_connection(self, conn: Any) -> None:
        """A new connection."""
        conn.address = self._address(conn)
        self.wait_for_request(conn)

    def wait_for_request(self, conn: Any, received: bytes = b"", discard: int = 0) -> None:
        """Wait for the next request, of which ``received`` has come, after ``discard`` more bytes of the last."""
        if discard:
            connection = self._watch(conn, self._skip, self._in(DISCARD_SECONDS))
            connection.discard = discard
        else:
            connection = self._watch(conn, self._read_head, self._in(self._keepalive))
        if received:
            connection.step(connection, received)

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

    def thread_freed(self, conn: Any) -> None:
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
        for connection in self._connections.values():
            if connection.address == address and connection.step == self._take_turn:
                self._want_thread(connection)
                return

    def _watch(self, conn: Any, step: Step, deadline: float) -> PendingConnection:
        """From now on what comes is given to ``step``, until the deadline."""
        connection = self._connections.get(conn)
        if connection is None:
            connection = self._connections[conn] = PendingConnection(conn, conn.address, step, deadline)
            conn.sock.setblocking(False)
        else:
            connection.step, connection.deadline = step, deadline
        if not connection.watched:
            connection.watched = True
            self._worker.poller.register(
                conn.sock, selectors.EVENT_READ, lambda _: self._readable(connection)
            )
        return connection

    def _unwatch(self, connection: PendingConnection) -> None:
        if connection.watched:
            connection.watched = False
            self._worker.poller.unregister(connection.conn.sock)

    # --- what is read -------------------------------------------------------------------------------------

    def _readable(self, connection: PendingConnection) -> None:
        try:
            data = connection.conn.sock.recv(_PIECE)
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection.conn)
        else:
            connection.step(connection, data)

    def _read_head(self, connection: PendingConnection, data: bytes) -> None:
        searched = max(2, len(connection.received) - 3)
        if not connection.received:
            connection.deadline = self._in(self._head_seconds)
        connection.received += data
        end = connection.received.find(b"\r\n\r\n", searched)
        if end >= 0:
            self._examine_head(connection, end + 4)
        elif not data:
            self._close(connection.conn)
        elif len(connection.received) > HEAD_BYTES:
            self._refuse(connection, LONG)

    def _examine_head(self, connection: PendingConnection, head: int) -> None:
        """The head is here: is the body to be waited for here, or to be read by a thread?"""
        told = _LENGTH.search(connection.received, 0, head)
        length = int(told[1]) if told else 0
        connection.upload = (
            length > SMALL_BODY_BYTES or _UNKNOWN.search(connection.received, 0, head) is not None
        )
        connection.wanted = head if connection.upload else head + length
        connection.step, connection.deadline = self._read_body, self._in(self._body_seconds)
        if len(connection.received) >= connection.wanted:
            self._want_thread(connection)

    def _read_body(self, connection: PendingConnection, data: bytes) -> None:
        connection.received += data
        # One that was cut short goes on as it is: the application counts, and says what is wrong.
        if len(connection.received) >= connection.wanted or not data:
            self._want_thread(connection)

    def _skip(self, connection: PendingConnection, data: bytes) -> None:
        """Throw away the rest of a body; what follows it is the next request."""
        if not data:
            self._close(connection.conn)
            return
        rest = data[connection.discard :]
        connection.discard -= len(data) - len(rest)
        if not connection.discard:
            connection.step, connection.deadline = self._read_head, self._in(self._keepalive)
            if rest:
                self._read_head(connection, rest)

    def _throw_away(self, connection: PendingConnection, data: bytes) -> None:
        connection.discard -= len(data)
        if not data or connection.discard <= 0:
            self._close(connection.conn)

    def _take_turn(self, connection: PendingConnection, data: bytes) -> None:
        """Nothing is read of a connection that waits for its turn."""

    # --- who gets a thread --------------------------------------------------------------------------------

    def _want_thread(self, connection: PendingConnection) -> None:
        if connection.upload and self._uploads >= self._most:
            self._refuse(connection, BUSY)
        elif connection.address and self._busy[connection.address] >= self._most:
            connection.step, connection.deadline = self._take_turn, self._in(TURN_SECONDS)
            self._unwatch(connection)
        else:
            self._give_thread(connection)

    def _give_thread(self, connection: PendingConnection) -> None:
        self._uploads += connection.upload
        if connection.upload:
            self._worker.slow_readers.trim()
        self._busy[connection.address] += 1
        del self._connections[connection.conn]
        self._unwatch(connection)
        self._worker.serve(connection.conn, bytes(connection.received), upload=connection.upload)

    def threads_for_readers(self) -> int:
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
        for connection in [
            connection for connection in self._connections.values() if connection.deadline <= now
        ]:
            self._time_out(connection)

    def _time_out(self, connection: PendingConnection) -> None:
        if connection.step == self._take_turn:
            self._refuse(connection, ADDRESS_BUSY)
        elif connection.received:
            self._refuse(connection, SLOW)
        else:
            self._close(connection.conn)

    def make_room(self) -> bool:
        """Close the oldest connection of whoever has most of them here; False when there is none."""
        crowds = Counter(connection.address for connection in self._connections.values())
        if not crowds:
            return False
        crowd = crowds.most_common(1)[0][0]
        self._close(
            next(conn for conn, connection in self._connections.items() if connection.address == crowd)
        )
        return True

    def _in(self, seconds: float) -> float:
        """The moment in so many seconds, or the end."""
        return min(time.monotonic() + seconds, self._end)

    def close_by(self, deadline: float) -> None:
        """The worker stops: nobody waits longer than until then, neither who is here nor who still comes in."""
        self._end = deadline
        for connection in self._connections.values():
            connection.deadline = min(connection.deadline, deadline)

    def _refuse(self, connection: PendingConnection, answer: tuple[str, str]) -> None:
        status, words = answer
        self._worker.log.info("%s: %s", connection.conn.client, status)
        connection.received.clear()
        with contextlib.suppress(OSError):
            connection.conn.sock.send(_ANSWER.format(status=status, length=len(words), words=words).encode())
        self.linger(connection.conn)

    def _close(self, conn: Any) -> None:
        connection = self._connections.pop(conn, None)
        if connection is not None:
            self._unwatch(connection)
        self._worker.nr_conns -= 1
        conn.close()
