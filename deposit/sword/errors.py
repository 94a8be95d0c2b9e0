"""How refusals look on the wire: ``sword:error`` documents (SWORD 2 section 12), for every refusal under ``/1/``."""

from dataclasses import dataclass

from deposit.refusals import Kind, Refusal

_SWORD = "http://purl.org/net/sword/error/"


@dataclass(frozen=True, slots=True)
class WireError:
    """The HTTP status and the error IRI of a kind of refusal."""

    status: int
    iri: str


WIRE: dict[Kind, WireError] = {
    Kind.BAD_REQUEST: WireError(400, _SWORD + "ErrorBadRequest"),
    Kind.UNAUTHORIZED: WireError(401, _SWORD + "ErrorUnauthorized"),
    Kind.FORBIDDEN: WireError(403, _SWORD + "ErrorForbidden"),
    Kind.NOT_FOUND: WireError(404, _SWORD + "ErrorNotFound"),
    Kind.METHOD_NOT_ALLOWED: WireError(405, _SWORD + "MethodNotAllowed"),
    Kind.NOT_ACCEPTABLE: WireError(406, _SWORD + "ErrorContent"),
    Kind.LENGTH_REQUIRED: WireError(411, _SWORD + "ErrorBadRequest"),
    Kind.CHECKSUM_MISMATCH: WireError(412, _SWORD + "ErrorChecksumMismatch"),
    Kind.MEDIATION_NOT_ALLOWED: WireError(412, _SWORD + "MediationNotAllowed"),
    Kind.TARGET_OWNER_UNKNOWN: WireError(403, _SWORD + "TargetOwnerUnknown"),
    Kind.PRECONDITION_FAILED: WireError(412, _SWORD + "ErrorBadRequest"),
    Kind.TOO_LARGE: WireError(413, _SWORD + "MaxUploadSizeExceeded"),
    Kind.CONTENT: WireError(415, _SWORD + "ErrorContent"),
    Kind.UNPROCESSABLE: WireError(422, _SWORD + "ErrorBadRequest"),
    Kind.TOO_MANY_REQUESTS: WireError(429, _SWORD + "ErrorBadRequest"),
    Kind.INTERNAL: WireError(500, _SWORD + "ErrorInternal"),
    Kind.UNAVAILABLE: WireError(503, _SWORD + "ErrorUnavailable"),
    Kind.STORAGE_FULL: WireError(507, _SWORD + "ErrorStorageFull"),
}

# Which kind stands for a status that the framework, not a service, answered with.
KIND_BY_STATUS: dict[int, Kind] = {
    wire.status: kind for kind, wire in reversed(WIRE.items()) if kind is not Kind.PRECONDITION_FAILED
}

RETRY_AFTER_SECONDS: dict[Kind, int] = {
    Kind.TOO_MANY_REQUESTS: 30,
    Kind.UNAVAILABLE: 10,
    Kind.STORAGE_FULL: 300,
}


def database_away() -> Refusal:
    """PostgreSQL does not answer; swh-deposit's client looks for these two texts and says "maintenance"."""
    return Refusal(
        Kind.UNAVAILABLE,
        "service.database_away",
        "Database backend maintenance",
        "Service temporarily unavailable, try again later.",
    )


def internal_error() -> Refusal:
    """A fault of ours."""
    return Refusal(
        Kind.INTERNAL,
        "service.internal_error",
        "The server failed while it handled this request.",
        "Nothing is wrong with the request as far as we know. The operators find the fault in the log.",
    )
