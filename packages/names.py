"""The encoding of names that do not say theirs.

Bytes that are UTF-8 are taken for it. Others stay the bytes that they are, unless the depositor has named an encoding;
then such names are decoded, and kept as UTF-8. What the encoding probably is is told as a warning.
"""

import codecs
from unicodedata import combining, east_asian_width

from charset_normalizer import CharsetMatch, from_bytes

from packages.errors import PackageError
from packages.warnings import Warnings

ENCODINGS: tuple[str, ...] = (
    *("cp932", "shift_jis", "euc_jp", "iso2022_jp", "gb18030", "gbk", "big5", "big5hkscs", "cp949", "euc_kr"),
    *(
        "cp437",
        "cp850",
        "cp858",
        "cp852",
        "cp737",
        "cp855",
        "cp857",
        "cp860",
        "cp861",
        "cp862",
        "cp863",
        "cp864",
    ),
    *(
        "cp865",
        "cp866",
        "cp869",
        "cp874",
        "cp1250",
        "cp1251",
        "cp1252",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
    ),
    *(
        "cp1257",
        "cp1258",
        "koi8_r",
        "koi8_u",
        "iso8859_1",
        "iso8859_2",
        "iso8859_5",
        "iso8859_7",
        "iso8859_9",
    ),
    *("iso8859_15", "mac_roman", "mac_cyrillic", "mac_greek", "mac_latin2", "mac_turkish", "utf_8"),
)
"""What a depositor may name, in Python's spelling; any common alias will do."""

_GUESSED = [
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp866", "cp1251", "koi8_r", "cp437", "cp850", "cp852"),
    *("cp1252", "cp1250", "cp737", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "mac_roman"),
]
_SAMPLE = 64 * 1024
_LEADS = {
    "cp932": frozenset((*range(0x81, 0xA0), *range(0xE0, 0xFD))),
    "gb18030": frozenset(range(0x81, 0xFF)),
    "big5": frozenset(range(0x81, 0xFF)),
}
"""The first bytes of letters whose second byte may be a backslash (0x5C), by encoding."""


def known_encoding(name: str) -> str:
    """The encoding in its usual spelling. Raises ValueError for one that names cannot be in."""
    try:
        spelling = codecs.lookup(name.strip()).name.replace("-", "_")
    except (LookupError, ValueError):
        spelling = ""
    if spelling not in ENCODINGS:
        raise ValueError(
            f"{name[:40]!r} is not an encoding that names may be in; for example shift_jis, gbk, cp850."
        )
    return spelling


class Names:
    """The names of one package that are not plain ASCII."""

    def __init__(self, encoding: str, warnings: Warnings) -> None:
        self._encoding = known_encoding(encoding) if encoding else ""
        self._warnings = warnings
        self._sample: dict[bytes, None] = {}
        self._sample_bytes = 0
        self._unreadable = 0

    def stored(self, name: bytes) -> bytes:
        """The name as it is archived, of bytes that do not say their encoding."""
        if name.isascii():
            return name
        if self._encoding:
            return self._decoded(name)
        if not is_utf8(name):
            self._unreadable += 1
            if self._sample_bytes < _SAMPLE and name not in self._sample:
                self._sample[name] = None
                self._sample_bytes += len(name)
        return name

    def _decoded(self, name: bytes) -> bytes:
        try:
            return name.decode(self._encoding).encode()
        except UnicodeError:
            raise PackageError(
                "package.member.encoding",
                name,
                f"This name is not in the encoding that was named ({self._encoding}). Name the right one, or none.",
            ) from None

    def close(self) -> None:
        """Tell of the names that are in no stated encoding."""
        if not self._sample:
            return
        guess = guessed_encoding(list(self._sample))
        first = next(iter(self._sample))
        told = (
            f"probably in {guess} ({first.decode(guess, 'replace')!r})" if guess else "in an unknown encoding"
        )
        self._warnings.tell(
            "package.warning.encoding",
            first,
            (
                f"{self._unreadable} names are not UTF-8; they are {told}. They are archived as the bytes that they "
                "are. Name their encoding when you deposit to have them decoded, or pack with UTF-8 names."
            )
            if self._unreadable > 1
            else f"One name is not UTF-8; it is {told}. It is archived as the bytes that it is. Name its encoding when "
            "you deposit to have it decoded, or pack with UTF-8 names.",
        )


def guessed_encoding(names: list[bytes]) -> str:
    """The encoding that the names are probably in, or ""."""
    matches = from_bytes(b"\n".join(names), cp_isolation=_GUESSED, threshold=0.5)
    return next((match.encoding for match in matches if _is_plausible(match)), "")


def _is_plausible(match: CharsetMatch) -> bool:
    """File names are letters; and Korean ones hold no Chinese characters, as Chinese read as Korean does."""
    letters = [character for character in str(match) if not character.isascii()]
    if match.encoding == "cp949" and any("\u4e00" <= letter <= "\u9fff" for letter in letters):
        return False
    return all(
        letter.isalnum() or combining(letter) or east_asian_width(letter) in "WF" for letter in letters
    )


def backslashes(name: bytes, encoding: str) -> list[int]:
    """Where the name has backslashes that are characters, not the second bytes of letters in this encoding."""
    leads = _LEADS.get(encoding, frozenset())
    found, position = [], 0
    while position < len(name):
        if name[position] in leads:
            position += 2
            continue
        if name[position] == 0x5C:
            found.append(position)
        position += 1
    return found


def is_utf8(name: bytes) -> bool:
    """Whether the bytes can be UTF-8."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
