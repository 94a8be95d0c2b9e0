"""Posting a body to an address that a user gave, without being led into our own network (server-side request forgery).

As for files that are fetched (`deposit.intake.download`): every address of the host is judged before one is connected
to, and the connection is made to the address that was judged, not to the name again. Redirects are not followed. The
whole exchange ends at a deadline, however slowly the other side drips.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from deposit.intake.addresses import is_public
from deposit.refusals import Kind, Refusal

# Of an answer so much is read, at most.
_ANSWER_BYTES = 4096
_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the other side answered. ``text``: the beginning of the body; ``retry_after``: seconds, if it said so."""

    status: int
    seconds: float
    text: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether it took the message."""
        return 200 <= self.status < 300


class NoAnswer(Exception):
    """Nothing came back that is an answer; ``str()`` says why. ``seconds``: how long that took."""

    def __init__(self, sentence: str, seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.seconds = seconds


def require_allowed(url: str) -> SplitResult:
    """Raise `Refusal` unless webhooks are sent to this address, as far as it can be told without asking for it."""
    parts, port = _split(url)
    host = parts.hostname or ""
    private = _is_listed(host, port)
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise _refuse("A webhook is sent to an https address.", "Give the receiver a certificate.")
    if not private and _is_private_literal(host):
        raise _private(host)
    return parts


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refuse("This is no web address.", "Write https://host/path.") from None
    sound = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not sound or not parts.hostname or not port or parts.username is not None or parts.fragment:
        raise _refuse(
            "This is no address for a webhook.",
            "Write https://host/path, in ASCII, without user name, password and fragment.",
        )
    return parts, port


def _is_listed(host: str, port: int) -> bool:
    """Whether the operators have named a host of their own network (WEBHOOK_PRIVATE_HOSTS)."""
    listed = {each.lower() for each in settings.WEBHOOK_PRIVATE_HOSTS}
    return bool({host.lower(), f"{host.lower()}:{port}"} & listed)


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return host.lower().rstrip(".").endswith("localhost")


def _refuse(summary: str, hint: str) -> Refusal:
    return Refusal(Kind.BAD_REQUEST, "subscription.url", summary, hint)


def _private(host: str) -> Refusal:
    return _refuse(
        f"{host} is not on the public Internet: no webhook is sent there.",
        "Operators name hosts of their own network in WEBHOOK_PRIVATE_HOSTS.",
    )


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send one POST and read the beginning of the answer. Raises `NoAnswer`, `Refusal`."""
    parts = require_allowed(url)
    begun = time.monotonic()
    try:
        with closing(_connect(parts)) as connection, _Deadline(connection, begun):
            return _exchange(connection, parts, body, headers, begun)
    except TimeoutError:
        raise NoAnswer("No answer in time.", time.monotonic() - begun) from None
    except ssl.SSLError as error:
        reason = f"TLS: {error.reason or error}".replace("_", " ")
        raise NoAnswer(reason, time.monotonic() - begun) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() - begun >= settings.WEBHOOK_SECONDS
        reason = "No answer in time." if late else f"{type(error).__name__}: {error}"
        raise NoAnswer(reason, time.monotonic() - begun) from error


class _Deadline:
    """Cuts the connection when the time is up: a side that sends a byte now and then would be read for ever."""

    def __init__(self, connection: http.client.HTTPConnection, begun: float) -> None:
        self._sock = connection.sock
        left = max(0.1, settings.WEBHOOK_SECONDS - (time.monotonic() - begun))
        self._timer = threading.Timer(left, self._cut)
        self._timer.daemon = True

    def _cut(self) -> None:
        # The plain socket's: that of TLS would change what the other thread reads with.
        with suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *args: object) -> None:
        self._timer.cancel()


def _connect(parts: SplitResult) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    failure: OSError = OSError(f"{host} has no address")
    for address in _addresses(host, port):
        try:
            sock = _open(address, port, host if parts.scheme == "https" else None)
        except OSError as error:
            failure = error
            continue
        connection = http.client.HTTPConnection(host, port, timeout=settings.WEBHOOK_SECONDS)
        connection.sock = sock
        # Else a lost connection would be made anew, to whatever the name means by then.
        connection.auto_open = 0
        return connection
    raise failure


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not _is_listed(host, port) and not all(is_public(name) for name in names):
        raise _private(host)
    return names[:3]


def _open(address: str, port: int, tls_name: str | None) -> socket.socket:
    sock = socket.create_connection((address, port), timeout=settings.WEBHOOK_SECONDS)
    if tls_name is None:
        return sock
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=tls_name)
    except BaseException:
        sock.close()
        raise


def _exchange(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    begun: float,
) -> Answer:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest("POST", path, skip_accept_encoding=True, skip_host=True)
    for name, value in {
        "Host": parts.netloc,
        "User-Agent": "deposit-server",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    with closing(connection.getresponse()) as response:
        status, text = response.status, response.read(_ANSWER_BYTES).decode("utf-8", "replace")
        return Answer(
            status=status,
            seconds=time.monotonic() - begun,
            text=text,
            retry_after=_seconds(response.getheader("Retry-After") or ""),
        )


def _seconds(text: str) -> float | None:
    """Retry-After in seconds; a date is not read."""
    return min(float(text), 86_400.0) if text.isascii() and text.isdigit() and len(text) < 9 else None
