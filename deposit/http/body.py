"""The body of a request: from the socket, in chunks, held to what its headers promise.

A body cut short looks like a normal end, and a chunked body like an empty one, to whoever asks Django for it; so
the bytes are read from the WSGI input, counted, and compared with Content-Length.
"""

from collections.abc import Iterator
from typing import Any

from deposit.intake.limits import Sizes, metadata_too_large
from deposit.refusals import Kind, Refusal

CHUNK = 256 * 1024


class Body:
    """A request's body. Iterate it once, or ``read`` a small one whole. ``sizes``: what it may bring at most.

    ``again``: the answer to this request is kept from the first time. Its bytes are compared with those of then and
    stored nowhere, so they need no room, and nothing that would refuse a new package now refuses them.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        length: int | None,
        sizes: Sizes | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.sizes = sizes or Sizes.of(None)
        self.again = again
        self._input = environ["wsgi.input"]
        self.chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if self.chunked and not environ.get("wsgi.input_terminated"):
            raise Refusal(
                Kind.LENGTH_REQUIRED,
                "body.length_required",
                "CONTENT_LENGTH header is mandatory",
                "Send the body with a Content-Length instead of in chunks.",
            )
        self.length = None if self.chunked else (length or 0)

    @property
    def is_empty(self) -> bool:
        """Whether the headers promise no body at all."""
        return self.length == 0

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come; raises `Refusal` when fewer come than were promised."""
        left = self.length
        while left is None or left > 0:
            wanted = CHUNK if left is None else min(CHUNK, left)
            try:
                chunk = self._input.read(wanted)
            except OSError as error:
                raise cut_short() from error
            if not chunk:
                break
            if left is not None:
                left -= len(chunk)
            yield chunk
        if left:
            raise cut_short()

    def read(self, limit: int) -> bytes:
        """A small body whole; raises `Refusal` when it is longer than ``limit`` bytes."""
        if self.length is not None and self.length > limit:
            raise metadata_too_large(limit)
        pieces = []
        size = 0
        for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise metadata_too_large(limit)
            pieces.append(chunk)
        return b"".join(pieces)


def cut_short() -> Refusal:
    """The connection ended before the body did."""
    return Refusal(
        Kind.CHECKSUM_MISMATCH,
        "body.cut_short",
        "Wrong length",
        "Fewer bytes arrived than Content-Length announced. Nothing was kept; please send the request again.",
    )
