"""The fields of a tar header block (POSIX.1-2017 ustar and pax, GNU tar, v7)."""

from zlib import adler32

from packages.errors import PackageError

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
_REMEMBERED = 1024
_CHECKSUM_AS_SPACES = 8 * 0x20


class FieldError(ValueError):
    """A header field that cannot be read."""


def number(field: bytes, *, signed: bool = False) -> int:
    """A numeric field: octal digits between blanks, or base 256 (GNU) when the first bit is set."""
    digits = field.rstrip(b"\0 ")
    if digits.isdigit():
        return int(digits, 8)
    if field[0] & 0x80:
        if field[0] != 0x80 and not (signed and field[0] == 0xFF):
            raise FieldError("a negative or oversized base-256 number")
        return int.from_bytes(field[1:], "big", signed=field[0] == 0xFF)
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits and not digits.isdigit():
        raise FieldError("a number that is not octal")
    return int(digits or b"0", 8)


class CommonFields:
    """The fields that say nothing about content, but at which some readers stop when they cannot read them.

    A package has few modes, owners and devices; each combination is read once.
    """

    def __init__(self) -> None:
        self._modes: dict[bytes, bool] = {}
        self._devices: set[bytes] = set()
        self._time = b""

    def executable(self, block: bytes) -> bool:
        """The user's x bit. Raises ValueError if mode, owner, time or device numbers are unreadable."""
        mode_and_owner = block[100:124]
        executable = self._modes.get(mode_and_owner)
        if executable is None:
            executable = self._read_mode(mode_and_owner)
        time = block[136:148]
        if time != self._time:
            number(time, signed=True)
            self._time = time
        devices = block[329:345]
        if devices not in self._devices:
            self._read_devices(devices)
        return executable

    def _read_mode(self, field: bytes) -> bool:
        executable = bool(number(field[:8]) & 0o100)
        number(field[8:16], signed=True)
        number(field[16:], signed=True)
        if len(self._modes) < _REMEMBERED:
            self._modes[field] = executable
        return executable

    def _read_devices(self, field: bytes) -> None:
        number(field[:8], signed=True)
        number(field[8:], signed=True)
        if len(self._devices) < _REMEMBERED:
            self._devices.add(field)


def text(field: bytes) -> bytes:
    """A text field: up to the first NUL, if there is one."""
    return field.partition(b"\0")[0]


def checksum_holds(block: bytes) -> bool:
    """Whether the block's checksum is right; sums of signed bytes (very old tars) count, too.

    Adler-32 keeps the plain sum of up to 256 bytes in its lower half, at the speed of C.
    """
    try:
        stated = number(block[148:156])
    except ValueError:
        return False
    total = (adler32(block[:256], 0) & 0xFFFF) + (adler32(block[256:], 0) & 0xFFFF)
    total += _CHECKSUM_AS_SPACES - sum(block[148:156])
    if total == stated:
        return True
    above = [byte for byte in (*block[:148], *block[156:]) if byte > 127]
    return bool(above) and total - 256 * len(above) == stated


def is_header(block: bytes) -> bool:
    """Whether the block can be the first of a tar archive."""
    return len(block) == BLOCK and block != ZERO_BLOCK and checksum_holds(block)


def pax_records(body: bytes) -> list[tuple[bytes, bytes]]:
    """The records ``length keyword=value\\n`` of a pax header, in order; they must fill it exactly."""
    records: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(body):
        blank = body.find(b" ", position, position + 20)
        digits = body[position:blank] if blank > 0 else b""
        if not digits.isdigit():
            raise _bad_extended("has a record without a length")
        end = position + int(digits)
        equals = body.find(b"=", blank, end)
        if end > len(body) or equals <= blank + 1 or body[end - 1 : end] != b"\n":
            raise _bad_extended("has a record whose length is wrong")
        records.append((body[blank + 1 : equals], body[equals + 1 : end - 1]))
        position = end
    return records


def long_text(body: bytes, padding: bytes) -> bytes:
    """The name in a GNU long-name header: it ends at the NUL, in or behind the header's size, and nothing follows."""
    name, _, rest = body.partition(b"\0")
    if not name or rest.strip(b"\0") or (len(name) == len(body) and padding[:1] not in (b"", b"\0")):
        raise _bad_extended("holds no name, or more than a name")
    return name


def _bad_extended(what: str) -> PackageError:
    return PackageError(
        "package.tar.extended",
        "",
        f"An extended tar header {what}. Make the package again with a current tar.",
    )
