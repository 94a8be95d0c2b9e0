"""Requests as a SWORD 3 client makes them, over Django's test client."""

import base64
import hashlib
import json
from typing import Any

from django.test import Client as HttpClient

from tests.support.sword3_schemas import require_valid

Response = Any

METADATA: dict[str, Any] = {
    "@context": "https://swordapp.github.io/swordv3/swordv3.jsonld",
    "@type": "Metadata",
    "dc:title": "A program",
    "dc:creator": "Ada Lovelace",
    "dcterms:abstract": "It computes.",
}
SIMPLE_ZIP = "http://purl.org/net/sword/3.0/package/SimpleZip"
BINARY = "http://purl.org/net/sword/3.0/package/Binary"
ERROR_FIELDS = {"@context", "@type", "timestamp", "error", "log"}


def digest(data: bytes) -> str:
    """A Digest header."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(data).digest()).decode()


class Sword3:
    """A client with its credentials."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def send(self, method: str, url: str, data: bytes = b"", **headers: str) -> Response:
        """Any request; header names are given with underscores. The digest is right unless given."""
        named: dict[str, str] = {}
        for name, value in headers.items():
            named[name.replace("_", "-")] = value
        named = {name: value for name, value in named.items() if value}
        kind = named.pop("Content-Type", "application/octet-stream")
        if data and "Digest" not in headers:
            named["Digest"] = digest(data)
        response = self.http.generic(method, url, data, content_type=kind, headers=named)
        if response.get("Content-Type") == "application/json":
            require_valid(response.json())
        return response

    def get(self, url: str, **headers: str) -> Response:
        """A GET."""
        return self.send("GET", url, b"", **headers)

    def document(self, url: str) -> dict[str, Any]:
        """A JSON document."""
        response = self.get(url)
        assert response.status_code == 200, response.content
        found: dict[str, Any] = response.json()
        return found

    def json(self, method: str, url: str, document: Any, disposition: str, **headers: str) -> Response:
        """Send a document."""
        headers = {"Content-Type": "application/json", "Content-Disposition": disposition, **headers}
        return self.send(method, url, json.dumps(document).encode(), **headers)

    def metadata(
        self, method: str, url: str, fields: dict[str, Any] | None = None, **headers: str
    ) -> Response:
        """Send metadata."""
        return self.json(method, url, fields or METADATA, "attachment; metadata=true", **headers)

    def refer(self, method: str, url: str, *files: dict[str, Any], **headers: str) -> Response:
        """Send a By-Reference document."""
        document = {"@context": METADATA["@context"], "@type": "ByReference", "byReferenceFiles": list(files)}
        return self.json(method, url, document, "attachment; by-reference=true", **headers)

    def file(self, method: str, url: str, data: bytes, name: str = "package.zip", **headers: str) -> Response:
        """Send a file."""
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f"attachment; filename={name}",
            "Packaging": SIMPLE_ZIP,
            **headers,
        }
        return self.send(method, url, data, **headers)

    def begin(self, data: bytes, segment_size: int, /, **changes: Any) -> Response:
        """Begin a segmented upload of these bytes."""
        plan = {
            "size": len(data),
            "digest": digest(data),
            "segment_count": -(-len(data) // segment_size),
            "segment_size": segment_size,
            **changes,
        }
        parameters = "; ".join(f"{name}={value}" for name, value in plan.items() if value is not None)
        return self.send("POST", "/3/staging/", Content_Disposition=f"segment-init; {parameters}")

    def segment(self, url: str, number: int, data: bytes, **headers: str) -> Response:
        """Send a segment."""
        return self.send(
            "POST", url, data, Content_Disposition=f"segment; segment_number={number}", **headers
        )

    def uploaded(self, data: bytes, segment_size: int = 50) -> str:
        """A complete segmented upload; its Temporary-URL."""
        url = str(self.begin(data, segment_size)["Location"])
        for number in range(1, -(-len(data) // segment_size) + 1):
            piece = data[(number - 1) * segment_size : number * segment_size]
            assert self.segment(url, number, piece).status_code == 204
        return url


def by_reference(url: str, name: str = "package.zip", **fields: Any) -> dict[str, Any]:
    """One file of a By-Reference document."""
    return {
        "@id": url,
        "contentType": "application/zip",
        "contentDisposition": f"attachment; filename={name}",
        "packaging": SIMPLE_ZIP,
        "dereference": True,
        **fields,
    }


def error(response: Response) -> tuple[int, str]:
    """The status and the error type of a refusal, which must be an error document."""
    document = response.json()
    assert set(document) == ERROR_FIELDS
    return response.status_code, document["@type"]
