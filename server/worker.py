"""gunicorn's threaded worker, taught to wait without threads and to refuse politely.

What a deposit server needs and the stock worker lacks:

- A client that is slow to send its request, or says nothing, holds no thread, and an upload holds one only while it
  keeps coming: ``server/connections.py``.
- Clients that are slow to read their answers hold at most some of the threads: ``server/slow_readers.py``.
- ``100 Continue`` is sent when the application begins to read the body, not before it has looked at the headers
  (RFC 9110 section 10.1.1).
- A client that sends its whole body before it reads the answer gets to read a refusal, because what it sends is
  discarded for a while before the connection is closed; not by a thread, either.

Bound to the gunicorn that requirements.txt pins, which ``tests/server/test_pinned_gunicorn.py`` watches; what each part
earns is measured in docs/explanation/connections.md.
"""

import errno
import io
import os
import resource
import select
import socket
import time
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from server.balance import COUNTS, PATIENCE, Turns
from server.connections import PendingConnections
from server.slow_readers import ResponseSocket, SlowReaderLimit

# A client that sends nothing for this long in the middle of a body, or does not take what it is sent, has gone.
SILENT_CLIENT_SECONDS = float(os.environ.get("SILENT_CLIENT_SECONDS", "120"))
# A body may come as slowly as this, in bytes a second, after SILENT_CLIENT_SECONDS of patience.
SLOWEST_BODY = 500
# Files that a worker has open besides its connections, at most.
OTHER_FILES = 1000
_TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE}


class RequestReader(SocketUnreader):  # type: ignore[misc]  # gunicorn is not typed
    """What a client sends: first what was read while it waited for a thread, then, for an upload only, the socket."""

    # No more at once than the application reads at once (deposit/http/body.py): gunicorn copies the surplus anew
    # at every read, which takes four times as long as the reading itself.
    max_body_chunk = 256 * 1024

    def begin(self, received: bytes) -> None:
        """Begin a request with what was received of it."""
        self.buf = io.BytesIO()
        self.buf.write(received)
        self.sealed = True
        self._waited, self._came = 0.0, 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read from the socket. Raises `TimeoutError` for a client that is slower than any line."""
        if self.sealed:
            return b""
        began = time.monotonic()
        data: bytes = super().chunk(size_hint)
        self._waited += time.monotonic() - began
        self._came += len(data)
        if self._waited > SILENT_CLIENT_SECONDS + self._came / SLOWEST_BODY:
            raise TimeoutError(f"{self._came} bytes in {self._waited:.0f} seconds of waiting")
        return data


class RequestBody(Body):  # type: ignore[misc]  # gunicorn is not typed
    """A body whose chunks may be nonsense: to the application, a connection that broke."""

    def _read_reader(self, size: int) -> bytes:
        try:
            data: bytes = super()._read_reader(size)
        except ParseException as error:
            raise ConnectionError(f"malformed chunks: {error}") from error
        return data


class ContinueBody(RequestBody):
    """A body that the client sends when it is told to go on."""

    def __init__(self, body: Body, sock: socket.socket) -> None:
        super().__init__(body.reader)
        self._sock: socket.socket | None = sock
        # As long as nobody has read, nobody knows whether a body follows: the connection ends with the answer.
        self.failed = True

    def _read_reader(self, size: int) -> bytes:
        if self._sock is not None:
            sock, self._sock = self._sock, None
            self.failed = False
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return super()._read_reader(size)


def rest_of(body: Body) -> int | None:
    """How many bytes of a body nobody has read; None when that cannot be told."""
    if body.failed:
        return None
    if isinstance(body.reader, LengthReader):
        return int(body.reader.length)
    return 0 if isinstance(body.reader, ChunkedReader) and body.reader.parser is None else None


class Worker(ThreadWorker):  # type: ignore[misc]
    """The worker class of ``server/gunicorn.py``."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """TLS would have to be spoken where connections wait for their requests, which does not happen."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("This server does not speak TLS itself: put a proxy before it (deploy/).")

    def init_process(self) -> None:
        """Allow ourselves the open files that waiting connections are, as far as the system lets us."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.worker_connections + OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        pending = PendingConnections(
            self, threads=self.cfg.threads, keepalive=self.cfg.keepalive, patience=SILENT_CLIENT_SECONDS
        )
        self.pending, self.slow_readers = pending, SlowReaderLimit(pending.threads_for_readers)
        self.turns = Turns(COUNTS, self.age)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take one connection in, unless it is another process's turn; out of files, others have to go first."""
        if self.alive and not self.turns.is_mine(self.nr_conns):
            # The socket says at once that the connection still waits, unless another process has taken it.
            time.sleep(PATIENCE / 8)
            return
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _TOO_MANY_FILES or not self.pending.make_room():
                raise

    def enqueue_req(self, conn: Any) -> None:
        """A new connection: no thread before its request is here."""
        self.pending.accept_connection(conn)

    def serve(self, conn: Any, received: bytes, *, upload: bool) -> None:
        """Give a thread to a request; only an ``upload`` is read from the socket."""
        if conn.parser is None:
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = RequestReader(conn.sock)
            conn.initialized = True
        conn.upload = upload
        conn.parser.unreader.begin(received)
        super().enqueue_req(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve one request; the invitation to send the body waits until it is read."""
        conn.parser.unreader.sealed = not conn.upload
        conn.sock.settimeout(SILENT_CLIENT_SECONDS)
        if req._expected_100_continue:
            req._expected_100_continue = False
            req.body = ContinueBody(req.body, conn.sock)
        else:
            req.body = RequestBody(req.body.reader)
        sock, conn.sock = (
            conn.sock,
            ResponseSocket(conn.sock, self.slow_readers, patience=SILENT_CLIENT_SECONDS),
        )
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock = sock

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether another request may follow: where it begins has to be known."""
        conn.rest = rest_of(conn.parser.mesg.body) if keepalive else None
        return conn.rest is not None

    def finish_request(self, conn: Any, future: Any) -> None:
        """On the main thread, when a thread is done with a connection."""
        self.pending.thread_freed(conn)
        if future.cancelled() or not future.result():
            self.pending.linger(conn)
            return
        conn.parser.mesg = None
        buffered = conn.parser.unreader.take_buffered()
        self.pending.wait_for_request(conn, buffered, discard=conn.rest)

    def murder_pending(self) -> None:
        """In each turn of the event loop: send away who is too slow, and whoever has too many connections."""
        self.pending.sweep()
        self.turns.tell(self.nr_conns)
        while self.nr_conns >= self.worker_connections and self.pending.make_room():
            pass

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops. Whom the system let in for us is served; who comes now is refused, and can try again.

        A connection that waits for nobody would be cut off with its request half way when the socket goes with us.
        """
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                if not select.select([listener], [], [], 0)[0]:
                    break
                self.accept(listener)
            listener.close()
        self.pending.close_by(deadline)
