"""The request as this service reads it: what must not be parsed is taken out before Django sees it."""

from collections.abc import Mapping
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

from deposit.http.header_limits import blank_unreadable
from deposit.refusals import Kind, Refusal

# The key of the path in a request's META; its bytes are spelled as ISO-8859-1 (PEP 3333).
SENT_PATH = "deposit.sent_path"
# The key of the `Refusal` that a request gets before anything has read it; None for a sound one.
REFUSAL = "deposit.refusal"


class Request(WSGIRequest):
    """A request whose Content-Type may be nonsense, over which Django would fail before any view or middleware.

    It also keeps the path as it was sent: Django's own has percent signs for bytes that are not UTF-8, so that they
    look like a name with such signs in it. And it is shown no header that is too long to be parsed.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        environ[REFUSAL] = blank_unreadable(environ) or _without_host(environ)
        environ[SENT_PATH] = environ.get("PATH_INFO", "")
        super().__init__(environ)

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (TypeError, ValueError, LookupError):
            self.content_type, self.content_params = str(meta["CONTENT_TYPE"]).partition(";")[0].strip(), {}
        # Everything here is UTF-8. Django would decode a form by any codec of Python's that a client names.
        self.content_params.pop("charset", None)


def _without_host(environ: Mapping[str, Any]) -> Refusal | None:
    """RFC 9112 section 3.2: a request of HTTP/1.1 names the host. Ours would stand in for it."""
    if environ.get("SERVER_PROTOCOL") != "HTTP/1.1" or environ.get("HTTP_HOST"):
        return None
    return Refusal(
        Kind.BAD_REQUEST, "request.host", "The Host header is missing.", "Send it, as HTTP/1.1 demands."
    )
