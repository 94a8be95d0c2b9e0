"""Which origin URLs a client may use, and how a Slug becomes one.

An origin must stand below the provider URL of its client. Scheme and host compare without case (RFC 3986,
section 6.2.2.1), the path exactly; what browsers and servers would read differently is refused instead of
mended.
"""

import re
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit
from uuid import uuid4

from deposit.metadata.catalogue import shown
from deposit.metadata.errors import MetadataError

MAX_LENGTH = 2048

# RFC 3986 excludes these everywhere, and a percent sign must begin an escape. Of the characters beyond ASCII,
# those that cannot be seen (spaces, controls, direction marks) are excluded too.
_NOT_IN_URL = re.compile(r"[ <>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_origin(url: str, provider_url: str) -> str:
    """Return ``url`` unchanged if it is a proper URL below ``provider_url``.

    Raises :class:`MetadataError`: ``origin.missing``, ``.length``, ``.characters``, ``.dot_segments`` (400)
    or ``origin.mismatch`` (403).
    """
    if not url.strip():
        raise MetadataError("origin.missing")
    if len(url) > MAX_LENGTH:
        raise MetadataError("origin.length", limit=MAX_LENGTH)
    bad = _NOT_IN_URL.search(url)
    unfit = bad[0] if bad else next((character for character in url if not character.isprintable()), None)
    if unfit:
        raise MetadataError("origin.characters", url=shown(url), character=_named(unfit))
    if not _is_below(url, provider_url):
        raise MetadataError("origin.mismatch", url=url, prefix=provider_url.rstrip("/") + "/")
    path = urlsplit(url).path
    if any(_DOT_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise MetadataError("origin.dot_segments", url=shown(url))
    return url


def decode_slug(header: str) -> str:
    """Return the text of a Slug header: percent-encoded UTF-8 (RFC 5023, section 9.7.1), white space trimmed.

    A header that is not encoded at all comes back as it is. Raises ``slug.encoding``, ``slug.characters`` or
    ``slug.dot_segments``.
    """
    try:
        slug = unquote_to_bytes(header).decode().strip()
    except UnicodeError:
        raise MetadataError("slug.encoding") from None
    if _CONTROL.search(slug):
        raise MetadataError("slug.characters")
    if any(segment in (".", "..") for segment in re.split(r"[/\\]", slug)):
        raise MetadataError("slug.dot_segments")
    return slug


def origin_from_slug(provider_url: str, slug: str | None) -> str:
    """Return the origin of a deposit that names none: the provider URL, a slash and the decoded Slug.

    Without a Slug a random UUID takes its place. Characters that a URL cannot hold are percent-encoded.
    """
    name = quote(slug, safe="/:@!$&'()*+,;=-._~") if slug else str(uuid4())
    url = f"{provider_url.rstrip('/')}/{name}"
    if len(url) > MAX_LENGTH:
        raise MetadataError("slug.length", limit=MAX_LENGTH)
    return url


def _is_below(url: str, provider_url: str) -> bool:
    try:
        ours, theirs = urlsplit(url), urlsplit(provider_url)
        if _authority(ours) != _authority(theirs):
            return False
    except ValueError:
        return False
    return bool(ours.netloc) and ours.path.startswith(theirs.path.rstrip("/") + "/")


def _authority(url: SplitResult) -> tuple[str, str | None, str | None, str | None, int | None]:
    """Scheme, user, password, host and port; scheme and host come back in lower case, the default port
    named.
    """
    scheme = url.scheme.lower()
    return scheme, url.username, url.password, url.hostname, url.port or _DEFAULT_PORTS.get(scheme)


def _named(character: str) -> str:
    names = {" ": "a space", "%": "a '%' that begins no escape"}
    return names.get(character) or (
        f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    )
