"""Runs inside the environment of the sword3client library: leads objects, and prints what it saw as JSON.

Usage: ``python sword3_life.py < parameters.json``. Everything is done through the library's public calls. The library
is older than the final text of SWORD 3; where that text has words that its models do not know, they are taught here.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from sword3client import SWORD3Client
from sword3client.connection.connection_requests import RequestsHttpLayer
from sword3common import ByReference, Metadata, MetadataAndByReference, constants, exceptions
from sword3common.models import error, segemented_upload, service

# The segment rules of the service document, and the segmented upload document, as the specification has them.
for name in ("maxSegmentSize", "minSegmentSize"):
    service.SERVICE_STRUCT["fields"][name] = {"coerce": "integer"}
for name in ("assembledSize", "segmentSize"):
    segemented_upload.SEGMENTED_FILE_UPLOAD_STRUCT["fields"][name] = {"coerce": "integer"}
segemented_upload.SEGMENTED_FILE_UPLOAD_STRUCT["lists"] = {
    name: {"contains": "field", "coerce": "integer"} for name in ("received", "expecting")
}
# The library names this conversion and lacks it.
error.ERROR_STRUCT["fields"]["timestamp"] = {"coerce": "datetime"}

ZIP = constants.PACKAGE_SIMPLEZIP


def digest(data: bytes) -> dict[str, str]:
    """The digests that the library wants of files."""
    return {"SHA-256": base64.b64encode(hashlib.sha256(data).digest()).decode()}


class Layer(RequestsHttpLayer):  # type: ignore[misc]
    """The library's own, for a requests that takes no numbers as values of headers."""

    def _get_headers(self, headers: dict[str, Any] | None) -> dict[str, str]:
        return {name: str(value) for name, value in super()._get_headers(headers).items()}


class Life:
    """A depositor who knows the root Service-URL."""

    def __init__(self, parameters: dict[str, str]) -> None:
        token = base64.b64encode(f"{parameters['user']}:{parameters['password']}".encode()).decode()
        self.client = SWORD3Client(Layer(headers={"Authorization": f"Basic {token}"}))
        self.document = self.client.get_service(parameters["root"])
        self.service = self.document.services[0]
        self.one = Path(parameters["one"]).read_bytes()
        self.two = Path(parameters["two"]).read_bytes()

    def metadata(self, title: str) -> Metadata:
        """Dublin Core."""
        made = Metadata()
        made.add_dc_field("title", title)
        made.add_dc_field("creator", "Ada")
        return made

    def discover(self) -> dict[str, Any]:
        """What the service document tells."""
        data = self.document.data
        return {
            "version": data["version"],
            "service": self.service.service_url,
            "staging": self.document.staging_url,
        }

    def by_parts(self) -> dict[str, Any]:
        """Metadata, a package, more metadata, and completion."""
        made = self.client.create_object_with_metadata(
            self.service, self.metadata("By parts"), in_progress=True
        )
        status = made.status_document
        added = self.client.add_package(
            status, self.one, "one.zip", digest(self.one), len(self.one), "application/zip", ZIP, True
        )
        more = self.metadata("Not this")
        more.add_dcterms_field("abstract", "More")
        self.client.append_metadata(status, more, in_progress=True)
        found = self.client.get_metadata(status)
        with self.client.get_file(added.location) as stream:
            read = stream.read()
        files = [
            link["@id"] for link in self.client.get_object(status).list_links([constants.Rel.FileSetFile])
        ]
        done = self.client._http.post(status.object_url, None, {"In-Progress": "false"})
        return {
            "created": made.status_code,
            "object": made.location,
            "metadata": [found.get_dc_field("title"), found.get_dcterms_field("abstract")],
            "file": [read == self.one, files == [added.location]],
            "completed": done.status_code,
        }

    def replacing(self) -> dict[str, Any]:
        """Every kind of replacement and removal."""
        size, kind = len(self.two), "application/zip"
        made = self.client.create_object_with_package(
            self.service, self.one, "one.zip", digest(self.one), len(self.one), kind, ZIP, True
        )
        status = made.status_document
        (file,) = [link["@id"] for link in status.list_links([constants.Rel.FileSetFile])]
        codes = [made.status_code]
        codes.append(self.client.replace_metadata(status, self.metadata("New")).status_code)
        codes.append(
            self.client.replace_file(file, self.two, kind, digest(self.two), "two.zip", size).status_code
        )
        codes.append(
            self.client.replace_fileset_with_binary(
                status, self.one, "one.zip", digest(self.one), len(self.one), kind
            ).status_code
        )
        codes.append(
            self.client.replace_object_with_package(
                status, self.two, "two.zip", digest(self.two), size, kind, ZIP, True
            ).status_code
        )
        codes.append(
            self.client.replace_object_with_metadata(
                status, self.metadata("Newer"), in_progress=True
            ).status_code
        )
        codes.append(self.client.delete_metadata(status).status_code)
        codes.append(self.client.delete_fileset(status).status_code)
        codes.append(self.client.delete_object(status).status_code)
        return {"codes": codes, "gone": self.refused(lambda: self.client.get_object(status))}

    def segments(self) -> dict[str, Any]:
        """A segmented upload, deposited by reference with metadata."""
        half = -(-len(self.one) // 2)
        begun = self.client.initialise_segmented_upload(
            self.document, len(self.one), 2, half, digest(self.one)
        )
        url = begun.location
        tail = self.one[half:]
        self.client.upload_file_segment(url, tail, 2, digest(tail), len(tail))
        state = self.client.segmented_upload_status(url).__seamless__.data
        head = self.one[:half]
        wrong = self.refused(lambda: self.client.upload_file_segment(url, head[:-1], 1, digest(head[:-1])))
        self.client.upload_file_segment(url, head, 1, digest(head), half)
        again = self.refused(lambda: self.client.upload_file_segment(url, head, 1, digest(head), half))
        files = ByReference()
        files.add_file(url, "one.zip", "application/zip", True, packaging=ZIP, digest=digest(self.one))
        made = self.client.create_object_with_metadata_and_by_reference(
            self.service, MetadataAndByReference(self.metadata("Segments"), files)
        )
        other = self.client.initialise_segmented_upload(self.document, 10, 1, 10, digest(b"x")).location
        return {
            "state": [state["received"], state["expecting"]],
            "refused": [wrong, again],
            "created": made.status_code,
            "object": made.location,
            "aborted": self.client.abort_segmented_upload(other).status_code,
        }

    def refused(self, call: Any) -> str:
        """The name of the exception that a call ends in."""
        try:
            call()
        except exceptions.SwordException as refusal:
            return type(refusal).__name__
        return "nothing"

    def errors(self) -> list[str]:
        """Refusals that the library understands."""
        call = self.client.create_object_with_package
        return [
            self.refused(
                lambda: call(self.service, self.one, "a", digest(b"other"), len(self.one), None, ZIP)
            ),
            self.refused(
                lambda: call(self.service, self.one, "a", digest(self.one), len(self.one), None, "urn:x")
            ),
            self.refused(
                lambda: self.client.create_object_with_metadata(
                    self.service, self.metadata("x"), metadata_format="urn:x"
                )
            ),
            self.refused(lambda: self.client.get_service(self.service.service_url + "nothing/")),
        ]


def main() -> None:
    """Lead all lives."""
    life = Life(json.load(sys.stdin))
    seen = {
        name: getattr(life, name)() for name in ("discover", "by_parts", "replacing", "segments", "errors")
    }
    sys.stdout.write(json.dumps(seen))


main()
