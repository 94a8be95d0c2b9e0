"""One HTTP connection to the dashboard or to the Storage Service: credentials, time limits, kinds of failure.

The key travels in the Authorization header only, never in an address, and appears in no message.
"""

import ssl
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx

from loader.destinations.archivematica.errors import NotYet, OutcomeUnknown, Refused, RemoteError, Unavailable

# Answers of either system are small documents; a larger one is not theirs.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
# Refusals that concern the moment and not the request (RFC 9110, RFC 6585, RFC 8470).
_FOR_NOW = frozenset({408, 409, 425, 429})
_SHOWN = 300


class Answer:
    """A status, the headers, and the body read whole."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, where: str) -> None:
        self.status = status
        self.headers = headers
        self._body = body
        self._where = where

    def document(self) -> Any:
        """The body as JSON. Raises `Unavailable`: a proxy's page in place of an answer goes away."""
        try:
            return httpx.Response(200, content=self._body).json()
        except ValueError:
            raise Unavailable(
                f"{self._where} answered with something that is no JSON.", status=self.status
            ) from None

    def mapping(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `Unavailable`."""
        document = self.document()
        if not isinstance(document, dict):
            raise Unavailable(f"{self._where} answered with JSON that is no object.", status=self.status)
        return document

    def words(self) -> str:
        """What the body says, shortened, for a message."""
        text = self._body[:_SHOWN].decode("utf-8", "replace").strip()
        return "".join(c if c.isprintable() else " " for c in text)


class Api:
    """A connection; use as a context manager. ``name`` is what messages call the other side."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        user: str,
        key: str,
        seconds: float = 30.0,
        connect_seconds: float = 10.0,
    ) -> None:
        self.name = name
        self._seconds = seconds
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"ApiKey {user}:{key}", "Accept": "application/json, */*;q=0.5"},
            timeout=httpx.Timeout(seconds, connect=connect_seconds),
            follow_redirects=False,
            trust_env=False,
            verify=_certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        seconds: float | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """A request that may be repeated; the answer when it is 2xx or one of ``accept``.

        Raises `Unavailable` when asking again may help, `NotYet` for a 400, `Refused` for any other no.
        """
        try:
            answer = self._send(method, path, params=params, seconds=seconds)
        except httpx.TransportError as error:
            raise Unavailable(f"{self.name} is not to be reached: {_reason(error)}.") from error
        if answer.status in accept or 200 <= answer.status < 300:
            return answer
        raise self._repeatable(answer, path)

    def order(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """A POST that starts something; the answer when it is 2xx.

        Raises `Unavailable` when it was certainly not carried out and may be sent again, `Refused` for a clear no,
        `OutcomeUnknown` for everything else: the connection broke after the request, or the answer is a 5xx.
        """
        try:
            answer = self._send("POST", path, json=body, headers=headers, seconds=seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"{self.name} is not to be reached: {_reason(error)}.") from error
        except (httpx.TransportError, Unavailable) as error:
            raise OutcomeUnknown(f"{self.name} took the request and did not answer: {error}") from error
        if 200 <= answer.status < 300:
            return answer
        if answer.status >= 500:
            raise OutcomeUnknown(self._sentence(answer, path), status=answer.status)
        if answer.status in _FOR_NOW:
            raise Unavailable(self._sentence(answer, path), status=answer.status)
        raise Refused(self._sentence(answer, path), status=answer.status)

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        timeout = self._http.timeout if seconds is None else httpx.Timeout(seconds, connect=10.0)
        request = self._http.build_request(
            method, path.lstrip("/"), params=params, json=json, headers=headers, timeout=timeout
        )
        response = self._http.send(request, stream=True)
        try:
            parts: list[bytes] = []
            size = 0
            for part in response.iter_bytes():
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise Unavailable(f"{self.name} answered with more than {MAX_ANSWER_BYTES} bytes.")
                parts.append(part)
        except httpx.DecodingError as error:
            raise Unavailable(f"{self.name} answered in an encoding that it does not keep to.") from error
        finally:
            response.close()
        return Answer(response.status_code, response.headers, b"".join(parts), self.name)

    def _repeatable(self, answer: Answer, path: str) -> RemoteError:
        text = self._sentence(answer, path)
        if answer.status == 400:
            return NotYet(text, status=400)
        if answer.status >= 500 or answer.status in _FOR_NOW:
            return Unavailable(text, status=answer.status)
        return Refused(text, status=answer.status)

    def _sentence(self, answer: Answer, path: str) -> str:
        if answer.status in (401, 403):
            return (
                f"{self.name} does not accept the user and API key (HTTP {answer.status}). "
                "Put a valid key where the pipeline's key reference points."
            )
        words = answer.words()
        return f"{self.name} answered {answer.status} to {path}" + (f": {words}" if words else ".")


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that this machine trusts, an institution's own among them."""
    return ssl.create_default_context()


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
