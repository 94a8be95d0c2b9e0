"""In which form a folder or a deposit is handed out: by ``?format=``, else by Accept, else the first that there is."""

from collections.abc import Mapping

from rest_framework.request import Request

from deposit.http.negotiation import accepts
from deposit.refusals import Kind, Refusal

TYPES: Mapping[str, str] = {
    "tar": "application/x-tar",
    "tar.gz": "application/gzip",
    "zip": "application/zip",
}


def form_of(request: Request, *offered: str) -> str:
    """The form that is asked for, one of those offered. Raises a 406 `Refusal` for a format that there is not."""
    asked = request.query_params.get("format", "")
    if asked and asked not in offered:
        raise Refusal(
            Kind.NOT_ACCEPTABLE,
            "archive.format",
            f"The format {asked[:20]} is not available.",
            f"Available: {', '.join(offered)}.",
        )
    return asked or next((one for one in offered if accepts(request, TYPES[one])), offered[0])
