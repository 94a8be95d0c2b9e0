"""Delimiters and headers of a multipart body as RFC 2046 writes them, whichever line ends the client wrote.

Some clients end lines with a bare LF, all of them or those before a delimiter, and some write text before the first
part. Python's ``email`` reads these. So does this, and hands the parser behind it CRLF throughout; the data of parts
pass as they are. In one place two readings are possible: inside a part that may hold any bytes, a bare LF with a
delimiter behind it may be data. There the standard is kept to, unless the whole body ends its lines so, or ends there.
"""

import re
from collections.abc import Callable
from enum import Enum

from deposit.http.headers import bad_request
from deposit.refusals import Refusal

# Longer lines of headers, and more blanks after a delimiter, are not waited for.
_LONGEST_LINE = 8192
_MOST_PADDING = 64
_BEHIND = re.compile(rb"(--)?[ \t]{0,64}(\r?\n)?")
_BLANKS = b" \t\r\n"
_CR = 13


class _At(Enum):
    """What is being read."""

    PREAMBLE = "before the first part"
    HEADERS = "the headers of a part"
    DATA = "the data of a part"
    END = "after the last part"


class MultipartLines:
    """Takes a body in pieces (``feed``, then ``finish``) and writes it on with CRLF where the standard has it.

    ``is_opaque`` is asked whether the part whose headers were written last may hold any bytes. Raises `Refusal` with
    what is wrong, and where. Takes time in proportion to the body, whatever it holds.
    """

    def __init__(
        self, boundary: bytes, write: Callable[[bytes], object], is_opaque: Callable[[], bool]
    ) -> None:
        self._delimiter = b"--" + boundary
        self._write, self._is_opaque = write, is_opaque
        self._at = _At.PREAMBLE
        # What has come and was not passed on begins at ``_from``; ``_before`` bytes of the body came earlier.
        self._held, self._from, self._before = b"", 0, 0
        self._line_begins = True
        self._parts = 0
        self._bare_lines: bool | None = None
        self._header = b""
        # Where in a part of any bytes a delimiter was taken for data, because a bare LF stood before it.
        self._doubtful: int | None = None

    def feed(self, data: bytes) -> None:
        """The next piece of the body."""
        self._before += self._from
        self._held, self._from = self._held[self._from :] + data, 0
        while self._at is not _At.END and (
            self._read_header() if self._at is _At.HEADERS else self._look_for_delimiter()
        ):
            pass
        if self._at is _At.END:
            self._held, self._from = b"", 0

    def finish(self) -> None:
        """The body has ended. Raises `Refusal` if its parts have not."""
        if self._at in (_At.DATA, _At.PREAMBLE):
            found = self._find()
            if found >= 0 and self._held[found:].rstrip(_BLANKS) == self._delimiter + b"--":
                self._close(found)
        if self._doubtful is not None and (self._at is not _At.END or self._parts == 1):
            raise _in_doubt(self._doubtful)
        if self._at is not _At.END:
            raise self._unfinished()

    def _unfinished(self) -> Refusal:
        name = self._delimiter.decode("ascii")
        if self._at is _At.PREAMBLE:
            return malformed(
                f"No line of the body begins with {name}, the boundary of the Content-Type header."
            )
        return malformed(
            f"The body ends within {self._at.value}, number {self._parts}, without a line {name}--."
        )

    def _find(self) -> int:
        """Where the next delimiter begins a line; -1 where none does in what is held."""
        if self._line_begins and self._held.startswith(self._delimiter, self._from):
            return self._from
        found = self._held.find(b"\n" + self._delimiter, self._from)
        return found + 1 if found >= 0 else -1

    def _look_for_delimiter(self) -> bool:
        """Pass data on up to the next delimiter, and that delimiter; False when more of the body is needed."""
        start = self._find()
        if start < 0:
            self._pass(len(self._held) - self._kept())
            return False
        behind = _BEHIND.match(self._held, start + len(self._delimiter))
        assert behind is not None  # it may match nothing
        left = self._held[behind.end() : behind.end() + _MOST_PADDING]
        is_whole = behind[2] or left not in (b"", b"\r", b"-") or (behind[1] and left == b"-")
        if is_whole and self._is_doubtful(start):
            # It ends the parts if nothing else comes, and is data otherwise.
            is_whole = not behind[1] or len(left) == _MOST_PADDING or left.strip(_BLANKS)
            self._doubtful = self._before + start - 1 if is_whole else self._doubtful
        elif behind[2]:
            self._take(start, behind)
            return True
        if not is_whole:
            self._pass(start - self._line_end_before(start))
            return False
        # A longer line that only begins like a delimiter, or data that look like one.
        self._pass(start + len(self._delimiter))
        return True

    def _is_doubtful(self, start: int) -> bool:
        is_bare = self._line_end_before(start) == 1
        return is_bare and self._at is _At.DATA and not self._bare_lines and self._is_opaque()

    def _line_end_before(self, start: int) -> int:
        """How many bytes the line end before a delimiter has; none at the very beginning of the data."""
        if start == self._from:
            return 0
        return 2 if self._held[max(self._from, start - 2) : start] == b"\r\n" else 1

    def _take(self, start: int, behind: re.Match[bytes]) -> None:
        if self._bare_lines is None:
            self._bare_lines = behind[2] == b"\n"
        if behind[1]:
            self._close(start)
            return
        self._pass(start - self._line_end_before(start))
        self._write((b"\r\n" if self._parts else b"") + self._delimiter + b"\r\n")
        self._from = behind.end()
        self._at, self._parts = _At.HEADERS, self._parts + 1

    def _close(self, start: int) -> None:
        self._pass(start - self._line_end_before(start))
        self._write(b"\r\n" + self._delimiter + b"--\r\n")
        self._at = _At.END

    def _kept(self) -> int:
        """How many bytes at the end may be the beginning of a delimiter, with the line end before it."""
        held, size, sought = self._held, len(self._held), b"\n" + self._delimiter
        if self._line_begins and self._delimiter.startswith(held[self._from : self._from + len(sought)]):
            return size - self._from
        last = held.rfind(b"\n", max(self._from, size - len(sought)))
        if last >= 0 and sought.startswith(held[last:]):
            return size - last + (last > self._from and held[last - 1] == _CR)
        return int(size > self._from and held[-1] == _CR)

    def _pass(self, end: int) -> None:
        """Hand on data up to a place in what is held; what comes before the first part is nobody's."""
        if end > self._from:
            if self._at is _At.DATA:
                self._write(self._held[self._from : end])
            self._from, self._line_begins = end, False

    def _read_header(self) -> bool:
        """One line of a part's headers; False when it is not here whole."""
        end = self._held.find(b"\n", self._from)
        line = self._held[self._from : end if end >= 0 else self._from + _LONGEST_LINE + 1]
        if len(line) + len(self._header) > _LONGEST_LINE:
            raise malformed(f"A header of part {self._parts} is longer than {_LONGEST_LINE} bytes.")
        if end < 0:
            return False
        self._from = end + 1
        line = line.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t") and line.strip() and self._header:
            self._header += b" " + line.strip()
            return True
        if self._header:
            self._write(self._header + b"\r\n")
        self._header = line
        if not line.strip():
            self._header = b""
            self._write(b"\r\n")
            self._at, self._line_begins = _At.DATA, True
        elif line.startswith(self._delimiter):
            raise malformed(f"Part {self._parts} has no empty line after its headers.")
        elif b":" not in line or b"\r" in line:
            raise malformed(
                f"Among the headers of part {self._parts} is a line that is none: it has no colon."
            )
        return True


def _in_doubt(place: int) -> Refusal:
    return bad_request(
        "multipart.bare_lf",
        f"Byte {place} of the multipart body is a bare LF with a boundary behind it, inside of binary data.",
        "End the line before each boundary with CRLF (RFC 2046 section 5.1.1), or send the data in base64.",
    )


def malformed(reason: str = "") -> Refusal:
    """The body is not what its Content-Type says, and why."""
    return bad_request(
        "multipart.malformed",
        "The multipart body is malformed.",
        f"{reason} Check that the boundary in the Content-Type header is the one in the body, and that the body ends "
        "with it.",
    )
