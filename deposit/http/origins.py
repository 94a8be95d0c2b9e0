"""Requests that another site makes a browser send, with the password that the browser remembers.

A browser says where a request comes from (Fetch Metadata's Sec-Fetch-Site, or Origin of RFC 6454); programs say
nothing and go on. Pages are guarded by Django's token too; a password that a browser adds by itself is not.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from deposit.refusals import Kind, Refusal

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def refuse_foreign(request: HttpRequest) -> Refusal | None:
    """The `Refusal` of a request that changes something and comes from another site; None for all others."""
    if request.method in _SAFE_METHODS or not _is_foreign(request):
        return None
    return Refusal(
        Kind.FORBIDDEN,
        "request.cross_site",
        "A page of another site made your browser send this.",
        "Nothing was done. Send it from this site's own pages, or from a program; operators list sites whose pages may "
        "in CSRF_TRUSTED_ORIGINS.",
    )


def _is_foreign(request: HttpRequest) -> bool:
    origin: str = request.META.get("HTTP_ORIGIN", "")
    if origin and origin in settings.CSRF_TRUSTED_ORIGINS:
        return False
    site: str = request.META.get("HTTP_SEC_FETCH_SITE", "")
    if site:
        return site not in ("same-origin", "none")
    if not origin:
        return False
    try:
        # By host and port only: behind a proxy, not everybody tells us which scheme the client used.
        return urlsplit(origin).netloc.lower() != request.get_host().lower()
    except ValueError:
        return True
