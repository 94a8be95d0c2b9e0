"""How refusals look to SWORD 3 clients: error documents (JSON-LD), with the error types of the specification."""

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from deposit.http.errors import RETRY_AFTER_SECONDS, of_status, refusal_of
from deposit.http.statuses import HTTP_STATUS
from deposit.refusals import BASIC, Kind, Refusal, Withdrawn
from deposit.sword3.terms import CONTEXT

logger = logging.getLogger(__name__)

PREFIX = "/3/"

# Where the code says more than the kind does: the error type and the status.
BY_CODE: dict[str, tuple[str, int]] = {
    "auth.missing": ("AuthenticationRequired", 401),
    "body.cut_short": ("ContentMalformed", 400),
    "by_reference.not_allowed": ("ByReferenceNotAllowed", 412),
    "by_reference.size": ("ByReferenceFileSizeExceeded", 400),
    "deposit.changed": ("ETagNotMatched", 412),
    "deposit.not_partial": ("MethodNotAllowed", 405),
    "media_type.unsupported": ("ContentTypeNotAcceptable", 415),
    "packaging.unsupported": ("PackagingFormatNotAcceptable", 415),
    "sword3.etag_required": ("ETagRequired", 412),
    "sword3.format_mismatch": ("FormatHeaderMismatch", 415),
    "sword3.malformed": ("ContentMalformed", 400),
    "sword3.metadata_format": ("MetadataFormatNotAcceptable", 415),
    "upload.assembled_size": ("MaxAssembledSizeExceeded", 400),
    "upload.quota": ("MaxAssembledSizeExceeded", 400),
    "upload.segment_count": ("SegmentLimitExceeded", 400),
    "upload.segment_number": ("SegmentLimitExceeded", 400),
    "upload.segment_size": ("InvalidSegmentSize", 400),
    "upload.unexpected_segment": ("UnexpectedSegment", 400),
}
BY_KIND: dict[Kind, tuple[str, int]] = {
    Kind.UNAUTHORIZED: ("AuthenticationFailed", 403),
    Kind.FORBIDDEN: ("Forbidden", 403),
    Kind.NOT_FOUND: ("NotFound", 404),
    Kind.GONE: ("NotFound", 410),
    Kind.METHOD_NOT_ALLOWED: ("MethodNotAllowed", 405),
    Kind.CHECKSUM_MISMATCH: ("DigestMismatch", 412),
    Kind.MEDIATION_NOT_ALLOWED: ("OnBehalfOfNotAllowed", 412),
    Kind.TARGET_OWNER_UNKNOWN: ("Forbidden", 403),
    Kind.TOO_LARGE: ("MaxUploadSizeExceeded", 413),
    Kind.CONTENT: ("ContentTypeNotAcceptable", 415),
}


def wire_of(refusal: Refusal) -> tuple[str, int]:
    """The error type and the HTTP status of a refusal. What the specification has no type for is a BadRequest."""
    if refusal.code.startswith("metadata."):
        return ("ContentMalformed", HTTP_STATUS[refusal.kind])
    found = BY_CODE.get(refusal.code) or BY_KIND.get(refusal.kind)
    return found or ("BadRequest", HTTP_STATUS[refusal.kind])


def error_response(refusal: Refusal, *, allow: Iterable[str] = ()) -> HttpResponse:
    """The answer to a refused request: an error document, and the headers that its status calls for."""
    kind, status = wire_of(refusal)
    document: dict[str, object] = {
        "@context": CONTEXT,
        "@type": kind,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "error": refusal.summary,
        "log": f"{refusal.hint} [{refusal.code}]".strip(),
    }
    if isinstance(refusal, Withdrawn):
        document["tombstone"] = refusal.tombstone
    response = HttpResponse(json.dumps(document), status=status, content_type="application/json")
    if status == 401:
        response["WWW-Authenticate"] = refusal.challenge or BASIC
    if status == 405:
        response["Allow"] = ", ".join(sorted({*allow, *(["HEAD"] if "GET" in allow else [])}))
    if refusal.kind in RETRY_AFTER_SECONDS:
        response["Retry-After"] = str(refusal.retry_after or RETRY_AFTER_SECONDS[refusal.kind])
    return response


class Sword3ErrorMiddleware:
    """Errors below ``/3/`` are error documents, even those that no view of ours saw."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace an error page of the framework by an error document."""
        response = self.get_response(request)
        if (
            request.path_info.startswith(PREFIX)
            and response.status_code >= 400
            and not response.get("Content-Type", "").startswith("application/json")
        ):
            refused = of_status(response.status_code, "The request was refused.")
            return error_response(getattr(response, "refusal", None) or refused)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What escaped a view below ``/3/``."""
        return error_response(refusal_of(exception)) if request.path_info.startswith(PREFIX) else None
