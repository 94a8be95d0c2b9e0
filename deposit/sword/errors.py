"""The error IRIs of refusals (SWORD 2 section 12)."""

from deposit.refusals import Kind

_SWORD = "http://purl.org/net/sword/error/"

ERROR_IRI: dict[Kind, str] = {
    Kind.BAD_REQUEST: _SWORD + "ErrorBadRequest",
    Kind.UNAUTHORIZED: _SWORD + "ErrorUnauthorized",
    Kind.FORBIDDEN: _SWORD + "ErrorForbidden",
    Kind.NOT_FOUND: _SWORD + "ErrorNotFound",
    Kind.GONE: _SWORD + "ErrorNotFound",
    Kind.METHOD_NOT_ALLOWED: _SWORD + "MethodNotAllowed",
    Kind.NOT_ACCEPTABLE: _SWORD + "ErrorContent",
    Kind.LENGTH_REQUIRED: _SWORD + "ErrorBadRequest",
    Kind.CHECKSUM_MISMATCH: _SWORD + "ErrorChecksumMismatch",
    Kind.MEDIATION_NOT_ALLOWED: _SWORD + "MediationNotAllowed",
    Kind.TARGET_OWNER_UNKNOWN: _SWORD + "TargetOwnerUnknown",
    Kind.PRECONDITION_FAILED: _SWORD + "ErrorBadRequest",
    Kind.TOO_LARGE: _SWORD + "MaxUploadSizeExceeded",
    Kind.CONTENT: _SWORD + "ErrorContent",
    Kind.UNPROCESSABLE: _SWORD + "ErrorBadRequest",
    Kind.TOO_MANY_REQUESTS: _SWORD + "ErrorBadRequest",
    Kind.INTERNAL: _SWORD + "ErrorInternal",
    Kind.UNAVAILABLE: _SWORD + "ErrorUnavailable",
    Kind.STORAGE_FULL: _SWORD + "ErrorStorageFull",
}
