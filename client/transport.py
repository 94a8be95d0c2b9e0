"""Requests that survive a bad line: retried when that is safe, with growing waits, streamed both ways."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from client.addresses import explain
from client.documents import read_error
from client.errors import DepositError, NotFoundError, RefusedError, UnavailableError, error_for
from client.pauses import GIVE_UP_AFTER, Pauses
from client.version import __version__

CHUNK = 256 * 1024
# Answers after which the same request may work: the server is busy, starting, or a proxy lost it.
AGAIN = frozenset({429, 502, 503, 504, 507})

# Bytes sent or received so far, and of how many (0 if unknown). Starts again from 0 when a transfer does.
Progress = Callable[[int, int], None]


class BrokenError(UnavailableError):
    """The connection broke before the answer: the server may have done what was asked, or not."""


class Transport:
    """An HTTP connection to one server, with its credentials. Not for use by several threads at once."""

    def __init__(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        timeout: float = 60.0,
        retries: int = 12,
        first_wait: float = 0.25,
        give_up_after: float = GIVE_UP_AFTER,
    ) -> None:
        self.retries, self._first_wait, self._give_up_after = retries, first_wait, give_up_after
        headers = {"User-Agent": f"deposit-client/{__version__}", "Accept": "application/xml, */*;q=0.1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            auth=httpx.BasicAuth(username, password or "") if username and not token else None,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=15.0),
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        file: Path | None = None,
        progress: Progress | None = None,
        repeatable: bool | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send, and send again while that may help; the answer, read whole.

        ``repeatable``: sending it twice does no harm (default: true of all methods but POST). Other requests
        are sent again only when the server certainly did not act on them.
        Raises `DepositError`; `BrokenError` when a request that must not be repeated got no answer.
        """
        safe = method != "POST" if repeatable is None else repeatable
        pauses = Pauses(self.retries, self._first_wait, self._give_up_after)
        while True:
            try:
                body = _chunks(file, progress) if file else content
                response = self._http.request(
                    method,
                    url,
                    headers=headers,
                    content=body,
                    params=params,
                    follow_redirects=method == "GET",
                )
            except httpx.TransportError as error:
                reason = explain(error, url)
                if reason.is_permanent:
                    raise reason from error
                if not (safe or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)):
                    raise BrokenError(reason.summary, "Look at the deposit before you try again.") from error
                pauses.take(reason)
                continue
            if response.is_success:
                return response
            refusal = refusal_of(response)
            if not _may_work_later(response):
                raise refusal
            pauses.take(refusal, response.headers.get("Retry-After"))

    @contextmanager
    def download(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """An open answer, to be read in pieces. Raises `DepositError`."""
        try:
            with self._http.stream("GET", url, headers=headers, follow_redirects=True) as response:
                if not response.is_success:
                    response.read()
                    raise refusal_of(response)
                yield response
        except httpx.TransportError as error:
            reason = explain(error, url)
            raise BrokenError(reason.summary, "The same command goes on where this one stopped.") from error


def refusal_of(response: httpx.Response) -> DepositError:
    """What an answer that is no success means."""
    if response.is_redirect:
        target = response.headers.get("Location", "")
        return RefusedError(
            f"The server sends us elsewhere: {target}", "Use that address.", status=response.status_code
        )
    error = _problem(response) or read_error(response.status_code, response.content)
    if isinstance(error, NotFoundError):
        error.is_from_deposit_server = response.headers.get("Content-Type", "").startswith("application/xml")
    if response.status_code >= 500 and (request_id := response.headers.get("X-Request-ID")):
        error.hint = f"{error.hint} The operators find it in their log as request {request_id}.".strip()
    return error


def _problem(response: httpx.Response) -> DepositError | None:
    """A problem document (RFC 9457), as the JSON API sends them."""
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        told = response.json()
        error = error_for(response.status_code, str(told["detail"]), str(told.get("hint", "")))
        error.code = str(told.get("code", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return error


def _may_work_later(response: httpx.Response) -> bool:
    return response.status_code in AGAIN or (
        response.status_code == 409 and "Retry-After" in response.headers
    )


def _chunks(file: Path, progress: Progress | None) -> Iterator[bytes]:
    total, sent = file.stat().st_size, 0
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
            sent += len(chunk)
            if progress:
                progress(sent, total)
