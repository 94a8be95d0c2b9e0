"""A line to a server on loopback that breaks after so many bytes: the first connections, not the later ones."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_line(port: int, *, after: int, times: int) -> Iterator[int]:
    """Forward to ``port``; the first ``times`` connections end once the client sent ``after`` bytes. Yields a port."""
    listener = socket.create_server(("127.0.0.1", 0))
    remaining = [times]

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # the listener is closed
                return
            server = socket.create_connection(("127.0.0.1", port))
            limit = after if remaining[0] > 0 else None
            remaining[0] -= 1
            for source, target, most in ((client, server, limit), (server, client, None)):
                threading.Thread(target=_forward, args=(source, target, most), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _forward(source: socket.socket, target: socket.socket, most: int | None) -> None:
    seen = 0
    with suppress(OSError):
        while data := source.recv(65536):
            seen += len(data)
            if most is not None and seen > most:
                break
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()  # the other direction's to close is the target
