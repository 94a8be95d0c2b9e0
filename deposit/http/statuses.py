"""The HTTP status that each kind of refusal is answered with. Pure."""

from deposit.refusals import Kind

HTTP_STATUS: dict[Kind, int] = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHORIZED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.GONE: 410,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.NOT_ACCEPTABLE: 406,
    Kind.LENGTH_REQUIRED: 411,
    Kind.CHECKSUM_MISMATCH: 412,
    Kind.MEDIATION_NOT_ALLOWED: 412,
    Kind.TARGET_OWNER_UNKNOWN: 403,
    Kind.PRECONDITION_FAILED: 412,
    Kind.TOO_LARGE: 413,
    Kind.CONTENT: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.TOO_MANY_REQUESTS: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.STORAGE_FULL: 507,
}

# Which kind stands for a status that the framework, not a service, answered with.
KIND_BY_STATUS: dict[int, Kind] = {
    status: kind for kind, status in reversed(HTTP_STATUS.items()) if kind is not Kind.PRECONDITION_FAILED
}
