"""Licences by their SPDX identifiers: what is one, and what was probably meant by what is none.

The server goes by the same rules.
"""

import difflib
import re
from urllib.parse import urlsplit

# Not in the `packaging` of older systems: there licences are not judged before they are sent, and the server does it.
try:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
except ImportError:
    IS_KNOWING = False
else:
    IS_KNOWING = True

# The licences of nearly all research software; others are known too.
_COMMON = """
    AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0
    CECILL-2.1 CECILL-B CECILL-C ECL-2.0 EPL-2.0 EUPL-1.2 GPL-2.0-only GPL-2.0-or-later GPL-3.0-only
    GPL-3.0-or-later ISC LGPL-2.1-or-later LGPL-3.0-or-later LPPL-1.3c MIT MIT-0 MPL-2.0 NCSA OFL-1.1
    PostgreSQL Python-2.0 Unlicense Zlib
"""
COMMON = tuple(_COMMON.split())
_LONGEST = 500
_SUGGESTED = 3


def canonical(text: str) -> str | None:
    """An SPDX expression in its usual spelling; None for what is none."""
    if len(text) > _LONGEST or not text.strip() or not IS_KNOWING:
        return None
    try:
        return str(canonicalize_license_expression(text.strip()))
    except InvalidLicenseExpression:
        return None


def is_unknown(text: str) -> bool:
    """Whether a licence is neither an SPDX expression nor an address; one of spdx.org must be of a licence there."""
    text = text.strip()
    if not text.startswith(("https://", "http://")):
        return canonical(text) is None
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    if (address.hostname or "").removeprefix("www.") != "spdx.org":
        return False
    name = address.path.rstrip("/").rpartition("/")[2]
    return canonical(name.removesuffix(".html").removesuffix(".json")) is None


def suggestions(text: str) -> list[str]:
    """Common licences that may have been meant, the likeliest first."""
    asked = re.sub(r"[^a-z0-9]+", " ", text[:_LONGEST].lower().rpartition("/")[2])
    words = [word for word in asked.split() if word not in ("license", "licence", "version", "the", "v")]
    plain = {re.sub(r"[^a-z0-9]+", "", name.lower()): name for name in COMMON}
    joined = "".join(words)
    begins = [
        name for key, name in plain.items() if joined and (key.startswith(joined) or joined.startswith(key))
    ]
    begins = begins or [name for key, name in plain.items() if words and key.startswith(words[0])]
    close = [plain[key] for key in difflib.get_close_matches(joined, plain, n=_SUGGESTED)]
    return list(dict.fromkeys([*begins, *close]))[:_SUGGESTED]


def doubts(text: str) -> str:
    """What is to be said to whoever gives this licence; "" for one that is known, for none, and where none is known."""
    if not text.strip() or not IS_KNOWING or not is_unknown(text):
        return ""
    meant = suggestions(text)
    hint = f" Is {' or '.join(meant)} meant?" if meant else " See https://spdx.org/licenses/."
    return f"{text.strip()[:100]} is no licence of SPDX, by which programs know licences.{hint}"
