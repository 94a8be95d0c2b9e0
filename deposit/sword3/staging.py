"""Segmented file upload: the Staging-URL and the Temporary-URLs."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from deposit.http.body import Body
from deposit.http.headers import bad_request
from deposit.http.upload import let_go_of_the_database
from deposit.services import uploads
from deposit.staging.interface import Region
from deposit.sword3 import documents
from deposit.sword3.headers import Disposition, Sword3Headers, read_digests
from deposit.sword3.receiving import require_digest
from deposit.sword3.views import Sword3View, json_response


def _of_type(headers: Sword3Headers, wanted: str) -> Disposition:
    if headers.disposition is None or headers.disposition.type != wanted:
        raise bad_request(
            "sword3.disposition",
            f"This address takes requests with Content-Disposition: {wanted}.",
        )
    return headers.disposition


class StagingView(Sword3View):
    """Staging-URL."""

    def post(self, request: Request) -> HttpResponse:
        """Begin a segmented upload."""
        headers, body = self.headers_and_body()
        disposition = _of_type(headers, "segment-init")
        if not body.is_empty:
            raise bad_request("sword3.content", "A segmented upload is begun without a body.")
        sha256 = read_digests(disposition.parameters.get("digest")).get("sha-256")
        if sha256 is None:
            raise bad_request(
                "sword3.digest_missing",
                "The Content-Disposition has no SHA-256 digest of the whole file.",
                "Send segment-init; ...; digest=SHA-256=<in base64>.",
            )
        plan = uploads.Plan(
            size=disposition.number("size"),
            segment_size=disposition.number("segment_size"),
            segment_count=disposition.number("segment_count"),
            sha256=sha256,
        )
        return self.once(headers, lambda: self._begin(plan))

    def _begin(self, plan: uploads.Plan) -> HttpResponse:
        upload = uploads.initialise(actor=self.actor, plan=plan)
        return HttpResponse(status=201, headers={"Location": self.links.temporary(upload.pk)})


class TemporaryView(Sword3View):
    """Temporary-URL."""

    def find(self, **path: Any) -> None:
        """The upload; a foreign one does not exist, nor one that has expired or was deposited."""
        self.upload = uploads.upload_of(self.actor, path["upload_id"])

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """What has come so far."""
        state = uploads.received(self.upload)
        return json_response(documents.segmented_upload_document(self.upload, state, self.links))

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Take a segment: refused before its body where that can be told, written straight to its place."""
        headers, body = self.headers_and_body()
        number = _of_type(headers, "segment").number("segment_number")
        size = uploads.size_of(self.upload, number)
        if body.length is not None and body.length != size:
            raise uploads.wrong_segment_size(number, size)
        if headers.sha256 is None:
            raise bad_request("sword3.digest_missing", "The Digest header has no SHA-256 of the segment.")
        uploads.require_expected(self.upload, number)
        let_go_of_the_database(body)
        with uploads.region(self.upload, number) as place:
            self._fill(place, body, number, size)
            require_digest(headers, sha256=place.sha256)
            uploads.record_segment(self.upload, number, place)
        return HttpResponse(status=204)

    def _fill(self, place: Region, body: Body, number: int, size: int) -> None:
        for chunk in body.chunks():
            if len(chunk) > place.missing:
                raise uploads.wrong_segment_size(number, size)
            place.write(chunk)
        if place.missing:
            raise uploads.wrong_segment_size(number, size)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Give the upload up."""
        uploads.abort(actor=self.actor, upload=self.upload)
        return HttpResponse(status=204)
