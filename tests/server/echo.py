"""A tiny WSGI application for the tests of the HTTP server: tells what reached it, in JSON."""

import hashlib
import json
import resource
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Read the body in pieces of 1 MiB; tell its length and digest, the HTTP headers, and our peak memory."""
    received, digest, failure = 0, hashlib.sha256(), ""
    try:
        while piece := environ["wsgi.input"].read(1024**2):
            received += len(piece)
            digest.update(piece)
    except OSError as error:
        failure = type(error).__name__
    answer = {
        "received": received,
        "sha256": digest.hexdigest(),
        "failure": failure,
        "headers": {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))},
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
