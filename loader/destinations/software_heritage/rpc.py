"""The RPC of swh-storage and swh-objstorage: MessagePack over HTTP POST, one address for each method.

Their own client libraries would bring psycopg 3, Flask and SQL drivers into the loader's process (ADR 0112).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from loader.steps import Permanent, Transient

try:
    import msgpack
except ImportError:  # the extra `software-heritage` is not installed
    msgpack = None

_CONNECT_SECONDS = 10.0
_KIND = "application/x-msgpack"
# Of these the server itself says that they may pass.
_BUSY = frozenset({429, 502, 503, 504})

Wire = dict[Any, Any]


class TooLarge(Exception):
    """The server takes no request of this length; a shorter one may do."""


def model(kind: str, **fields: Any) -> Wire:
    """An object of swh.model as it stands on the wire."""
    return {b"swhtype": "model", b"d": {**fields, "__type__": kind}}


def fields_of(answer: Any) -> Wire:
    """The fields of an object that the server answered with."""
    if isinstance(answer, dict) and b"d" in answer:
        return dict(answer[b"d"])
    return dict(answer)


def packed(value: Any) -> bytes:
    """MessagePack; moments are its timestamps."""
    data: bytes = msgpack.packb(value, use_bin_type=True, datetime=True)
    return data


class Rpc:
    """A server. Use as a context manager: one connection, kept alive."""

    def __init__(self, url: str, *, name: str, timeout: float, auth: tuple[str, str] | None = None) -> None:
        if msgpack is None:
            raise Permanent(
                "software_heritage.extra",
                "The service cannot speak to Software Heritage's storage: an operator has to install the extra "
                "`software-heritage`.",
            )
        self._name = name
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            auth=auth,
            headers={"Content-Type": _KIND, "Accept": _KIND},
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method by its address (``directory/missing``). Raises `Transient`, `Permanent`, `TooLarge`."""
        return self._post(method, packed(arguments), {})

    def stream(self, method: str, length: int, pieces: Iterator[bytes]) -> Any:
        """The same with a body that is made while it is sent; its length in bytes is known."""
        return self._post(method, pieces, {"Content-Length": str(length)})

    def _post(self, method: str, body: bytes | Iterator[bytes], headers: Mapping[str, str]) -> Any:
        try:
            answer = self._client.post(method, content=body, headers=dict(headers))
        except httpx.TransportError as error:
            raise Transient(
                f"{self._name} cannot be reached.",
                fault=f"{method}: {type(error).__name__}: {error}",
                counts=False,
            ) from error
        if answer.status_code == 200:
            return _unpacked(answer)
        raise self._error(method, answer)

    def _error(self, method: str, answer: httpx.Response) -> Exception:
        told = f"{method}: {answer.status_code} {_told(answer)}"[:2000]
        if answer.status_code == 413:
            return TooLarge(told)
        if answer.status_code in _BUSY:
            after = answer.headers.get("Retry-After", "")
            return Transient(
                f"{self._name} is busy.",
                fault=told,
                counts=False,
                after_seconds=float(after) if after.isdigit() else None,
            )
        if answer.status_code >= 500:
            return Transient(f"{self._name} has a fault.", fault=told)
        return Permanent(
            "software_heritage.refused", f"{self._name} refuses what was sent: {_reason(answer)}.", fault=told
        )


def _unpacked(answer: httpx.Response) -> Any:
    if not answer.headers.get("Content-Type", "").startswith(_KIND):
        raise Transient("The storage answers in a form that is not its own.", fault=answer.text[:500])
    return msgpack.unpackb(answer.content, raw=False, strict_map_key=False, timestamp=3)


def _told(answer: httpx.Response) -> str:
    return f"{_reason(answer)}: {_error_of(answer).get('args', '')}"


def _reason(answer: httpx.Response) -> str:
    return str(_error_of(answer).get("type", f"HTTP status {answer.status_code}"))


def _error_of(answer: httpx.Response) -> Wire:
    """The exception that the server tells of; empty where it tells none."""
    try:
        error = msgpack.unpackb(answer.content, raw=False, strict_map_key=False, timestamp=3)
    except (ValueError, msgpack.UnpackException):
        return {}
    for key in (b"d", "exception", "error"):
        if isinstance(error, dict) and isinstance(error.get(key), dict):
            error = error[key]
    return error if isinstance(error, dict) else {}


def array_of(pieces: Sequence[tuple[int, Iterator[bytes]]], *, argument: str) -> tuple[int, Iterator[bytes]]:
    """A call's one argument, an array of values that were packed one by one: length and bytes of the body."""
    packer = msgpack.Packer(use_bin_type=True)
    head = packer.pack_map_header(1) + packer.pack(argument) + packer.pack_array_header(len(pieces))
    length = len(head) + sum(size for size, _ in pieces)

    def body() -> Iterator[bytes]:
        yield head
        for _, chunks in pieces:
            yield from chunks

    return length, body()


def object_with_data(
    kind: str, fields: Wire, size: int, data: Iterator[bytes]
) -> tuple[int, Iterator[bytes]]:
    """`model`, packed, with a last field ``data`` of ``size`` bytes that comes in chunks: length and bytes."""
    packer = msgpack.Packer(use_bin_type=True, datetime=True)
    head = packer.pack_map_header(2) + packer.pack(b"swhtype") + packer.pack("model") + packer.pack(b"d")
    named = {**fields, "__type__": kind}
    head += packer.pack_map_header(len(named) + 1)
    head += b"".join(packer.pack(name) + packer.pack(value) for name, value in named.items())
    # A "bin 32" with its length in four bytes.
    head += packer.pack("data") + b"\xc6" + size.to_bytes(4, "big")

    def body() -> Iterator[bytes]:
        yield head
        yield from data

    return len(head) + size, body()
