"""Getting a file from another server without being led into our own network (server-side request forgery).

Only hosts of the list are asked. Every address of a host is looked at before one is connected to, and the connection
is made to the address that was looked at, not to the name again. Redirects are followed by the same rules.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from deposit.intake.addresses import is_public
from deposit.refusals import Kind, Refusal

CHUNK = 256 * 1024
# How long the other server may be silent. Shorter than what a work item takes for hanging.
SILENCE_SECONDS = 45.0
REDIRECTS = 5
# Before the rest of an answer that broke off is asked for.
PAUSE_SECONDS = 1.0
_TELL_SECONDS = 10.0
_PORTS = {"http": 80, "https": 443}


def require_allowed(url: SplitResult) -> None:
    """Raise `Refusal` unless files are fetched from this address: scheme, host and port, no credentials."""
    try:
        port = url.port
    except ValueError:
        port = -1
    usual = port is None or port == _PORTS.get(url.scheme)
    name = (url.hostname or "").lower().rstrip(".")
    wanted = {name} if usual else {f"{name}:{port}"}
    if port is not None and usual:
        wanted.add(f"{name}:{port}")
    if url.scheme not in _PORTS or url.username is not None or not name:
        raise _refuse(url, "Only plain http and https addresses are fetched, without user name and password.")
    if not wanted & {host.lower() for host in settings.BY_REFERENCE_HOSTS}:
        raise _refuse(
            url, "Files are fetched from hosts that the operators have listed; this is none of them."
        )


def _refuse(url: SplitResult, hint: str) -> Refusal:
    return Refusal(
        Kind.PRECONDITION_FAILED, "by_reference.not_allowed", f"Nothing is fetched from {url.hostname}.", hint
    )


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `Refusal` when one of them is not public, `OSError` when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for name in names:
        if not settings.BY_REFERENCE_PRIVATE and not is_public(name):
            raise Refusal(
                Kind.PRECONDITION_FAILED,
                "by_reference.private",
                f"{host} is at {name}, an address that is not on the public Internet.",
            )
    return names


def download(
    url: str,
    *,
    expected: int | None,
    progress: Callable[[int], None],
    found: Callable[[SplitResult, int, str], None] = lambda url, size, etag: None,
) -> Iterator[bytes]:
    """The bytes of a file as they come. ``expected``: its announced size; ``progress`` hears every ten seconds how far.

    ``found`` is told where the file was, its size and its strong ETag, where there is one, before its first byte.

    An answer that breaks off is asked for the rest (RFC 9110 section 14), as long as the file is the same and more of
    it comes. Raises `Refusal` for what will not change by itself, `OSError` for what may.
    """
    copy = _Copy(url, expected, progress, found)
    while True:
        before = copy.received
        try:
            yield from copy.go_on()
            return
        except OSError:
            if not copy.mark or copy.received == before:
                raise
        progress(copy.received)
        time.sleep(PAUSE_SECONDS)


class _Copy:
    """A file while it comes: how much of it, and which state of the file that was."""

    def __init__(
        self,
        url: str,
        expected: int | None,
        progress: Callable[[int], None],
        found: Callable[[SplitResult, int, str], None],
    ) -> None:
        self._url = url
        self._found = found
        self._expected = expected
        self._report_progress = progress
        self._deadline = time.monotonic() + settings.BY_REFERENCE_SECONDS
        self.received = 0
        # What the other server calls this state of the file; "" when it calls it nothing.
        self.mark = ""

    def go_on(self) -> Iterator[bytes]:
        """The rest of the file."""
        url = self._url
        for _ in range(REDIRECTS + 1):
            target = urlsplit(url)
            require_allowed(target)
            with (
                closing(_connect(target)) as connection,
                closing(_ask(connection, target, self.received, self.mark)) as response,
            ):
                location = response.getheader("Location")
                if response.status in (301, 302, 303, 307, 308) and location:
                    url = _moved(url, location)
                    continue
                self._require_right(response)
                if not self.received and response.length is not None and self.mark.startswith('"'):
                    self._found(target, response.length, self.mark.strip('"'))
                yield from self._body(response)
                return
        raise Refusal(Kind.BAD_REQUEST, "by_reference.redirects", f"More than {REDIRECTS} redirects.")

    def _require_right(self, response: http.client.HTTPResponse) -> None:
        url = self._url
        if response.status >= 500 or response.status in (408, 425, 429):
            raise OSError(f"{url} answers {response.status}.")
        if self.received:
            if not (response.getheader("Content-Range") or "").startswith(f"bytes {self.received}-"):
                raise OSError(f"{url} broke off after {self.received} bytes, and does not go on there.")
        elif response.status != 200:
            raise Refusal(Kind.BAD_REQUEST, "by_reference.answer", f"{url} answers {response.status}.")
        if response.getheader("Content-Encoding", "identity") != "identity":
            raise Refusal(
                Kind.BAD_REQUEST,
                "by_reference.answer",
                f"{url} answers {response.status}, in another coding.",
            )
        self._require_length(response.length)
        tag = response.getheader("ETag") or ""
        # A weak tag does not vouch for the bytes.
        self.mark = tag if tag.startswith('"') else response.getheader("Last-Modified") or ""

    def _require_length(self, rest: int | None) -> None:
        whole = None if rest is None else self.received + rest
        if whole is not None and self._expected is not None and whole != self._expected:
            raise Refusal(
                Kind.BAD_REQUEST,
                "by_reference.length",
                f"The file at {self._url} has {whole} bytes, not the announced {self._expected}.",
            )

    def _body(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        promised, told = response.length, time.monotonic()
        whole = None if promised is None else self.received + promised
        while True:
            try:
                chunk = response.read1(CHUNK)
            except http.client.HTTPException as error:
                raise OSError(f"The answer broke off: {error}") from error
            if not chunk:
                break
            self.received += len(chunk)
            now = time.monotonic()
            if now > self._deadline:
                raise Refusal(
                    Kind.BAD_REQUEST,
                    "by_reference.time",
                    f"After {settings.BY_REFERENCE_SECONDS} seconds the file was not here.",
                )
            if now - told > _TELL_SECONDS:
                self._report_progress(self.received)
                told = now
            yield chunk
        if whole is not None and self.received < whole:
            raise OSError(f"The answer broke off after {self.received} of {whole} bytes.")


def _moved(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise _refuse(urlsplit(target), f"{url} redirects from https to an address without.")
    return target


def _connect(url: SplitResult) -> http.client.HTTPConnection:
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    failure: OSError = OSError(f"{host} has no address")
    for address in addresses(host, port):
        try:
            sock = _open(address, port, host if url.scheme == "https" else None)
        except OSError as error:
            failure = error
            continue
        connection = http.client.HTTPConnection(host, port, timeout=SILENCE_SECONDS)
        connection.sock = sock
        # Else a lost connection would be made anew, to whatever the name means by then.
        connection.auto_open = 0
        return connection
    raise failure


def _open(address: str, port: int, tls_name: str | None) -> socket.socket:
    sock = socket.create_connection((address, port), timeout=SILENCE_SECONDS)
    if tls_name is None:
        return sock
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=tls_name)
    except BaseException:
        sock.close()
        raise


def _ask(
    connection: http.client.HTTPConnection, url: SplitResult, received: int, mark: str
) -> http.client.HTTPResponse:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True, skip_host=True)
        connection.putheader("Host", url.netloc)
        connection.putheader("Accept-Encoding", "identity")
        connection.putheader("User-Agent", "deposit-server")
        if received:
            connection.putheader("Range", f"bytes={received}-")
            connection.putheader("If-Range", mark)
        connection.endheaders()
        return connection.getresponse()
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"The answer is not HTTP: {error}") from error
