"""A line to a server that delays at random and breaks: ``python -m tests.bench.cutting_line PORT BYTES [DELAY]``.

It forwards connections to 127.0.0.1:PORT, hangs up on whoever sends the BYTES-th byte since it last did (0: never),
and now and then holds data up for at most DELAY seconds. It prints its own port, and in the end how often it cut.
"""

import random
import socket
import sys
import threading
import time
from contextlib import suppress

CHUNK = 256 * 1024
# One piece in so many is held up.
HELD_UP = 50


class Line:
    """Counts what passes all connections together."""

    def __init__(self, port: int, every: int, delay: float) -> None:
        self._port, self._every, self._delay = port, every, delay
        self._lock = threading.Lock()
        self._since_cut = 0
        self.cuts = 0

    def serve(self) -> None:
        """Forward until this process is ended."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sys.stdout.write(f"{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._forward, args=(near,), daemon=True).start()

    def _forward(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as far:
            threading.Thread(target=_copy, args=(far, near), daemon=True).start()
            while (data := near.recv(CHUNK)) and not self._is_cut(len(data)):
                far.sendall(data)
            for end in (near, far):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _is_cut(self, size: int) -> bool:
        if self._delay and random.randrange(HELD_UP) == 0:
            time.sleep(random.uniform(0, self._delay))
        with self._lock:
            self._since_cut += size
            if not self._every or self._since_cut < self._every:
                return False
            self._since_cut = 0
            self.cuts += 1
            sys.stderr.write(f"cut {self.cuts}\n")
            return True


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)


if __name__ == "__main__":
    Line(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0).serve()
