"""Objects and their components: the Object-URL, the Metadata-URL, the FileSet-URL and the File-URLs."""

from functools import partial
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from deposit.http.deletions import accepted, reason_in
from deposit.http.downloads import guarded, ranged
from deposit.http.headers import bad_request
from deposit.http.text import sendable_type
from deposit.metadata.sword import all_fields_of
from deposit.models import Part, PartKind
from deposit.permissions import LARGEST_ID, Operation, client_of, require
from deposit.refusals import Kind, Refusal
from deposit.services import deletions, deposits
from deposit.services.parts import Submission
from deposit.staging.storage import chunks_of, exists
from deposit.sword3 import documents, terms
from deposit.sword3.headers import Content, Sword3Headers
from deposit.sword3.receiving import extending, receive
from deposit.sword3.views import EVERYTHING, ObjectPart, is_queued, json_response

_FILES = (Content.BY_REFERENCE, Content.BINARY)


class ObjectView(ObjectPart):
    """Object-URL."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The status document."""
        return self.status(self.deposit)

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Add metadata, files, or both; an empty body completes the object."""
        headers, body = self.headers_and_body()
        if headers.content is Content.EMPTY:
            return self.once(headers, lambda: self._complete(headers))
        metadata = extending(deposits.effective_entry(self.deposit))
        with receive(
            body, headers, client=client_of(self.actor), takes=EVERYTHING, metadata=metadata
        ) as submission:
            return self.once(headers, lambda: self._add(headers, submission))

    def _complete(self, headers: Sword3Headers) -> HttpResponse:
        if headers.in_progress:
            raise bad_request(
                "sword3.nothing",
                "An empty request completes the object: it cannot stay in progress.",
                "Send In-Progress: false, or a body.",
            )
        return self.changed(
            deposits.complete(actor=self.actor, deposit=self.deposit, if_revision=self.if_revision)
        )

    def _add(self, headers: Sword3Headers, submission: Submission) -> HttpResponse:
        deposit = deposits.add(
            actor=self.actor,
            deposit=self.deposit,
            submission=submission,
            in_progress=headers.in_progress,
            if_revision=self.if_revision,
        )
        location = {}
        if submission.package_names:
            newest = Part.objects.filter(deposit=deposit).exclude(kind=PartKind.METADATA).latest("id")
            location = {"Location": self.links.file(deposit.pk, newest.pk)}
        return self.status(deposit, 202 if is_queued(submission) else 200, location)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Put what is sent in the place of all metadata and all files."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=client_of(self.actor), takes=EVERYTHING[1:]) as submission:
            deposit = deposits.replace(
                actor=self.actor,
                deposit=self.deposit,
                submission=submission,
                in_progress=headers.in_progress,
                kinds=(PartKind.PACKAGE, PartKind.METADATA),
                if_revision=self.if_revision,
            )
        return self.status(deposit, 202 if is_queued(submission) else 200)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Delete the object: 204; one that is done: 202, and somebody decides on its withdrawal."""
        asked = deletions.delete_or_ask(
            actor=self.actor,
            deposit=self.deposit,
            if_revision=self.if_revision,
            reason=reason_in(request),
        )
        return HttpResponse(status=204) if asked is None else accepted(asked)


class MetadataView(ObjectPart):
    """Metadata-URL."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The metadata in SWORD's default format, whatever they were sent in."""
        entry = deposits.effective_entry(self.deposit)
        fields = all_fields_of(entry) if entry else {}
        document = documents.metadata_document(self.links.metadata(self.deposit.pk), fields)
        return json_response(document, headers={"ETag": documents.etag_of(self.deposit)})

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Replace all metadata."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=client_of(self.actor), takes=(Content.METADATA,)) as submission:
            return self.replace(headers, submission, (PartKind.METADATA,))

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove all metadata."""
        return self.changed(
            deposits.remove_metadata(actor=self.actor, deposit=self.deposit, if_revision=self.if_revision)
        )


class EntryView(ObjectPart):
    """The metadata as an Atom entry."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The entry."""
        entry = deposits.effective_entry(self.deposit)
        if entry is None:
            raise Refusal(Kind.NOT_FOUND, "sword3.no_metadata", "The object has no metadata.")
        return HttpResponse(
            entry.document,
            content_type="application/atom+xml;type=entry",
            headers={"ETag": documents.etag_of(self.deposit)},
        )


class FileSetView(ObjectPart):
    """FileSet-URL."""

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Replace all files."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=client_of(self.actor), takes=_FILES) as submission:
            return self.replace(headers, submission, (PartKind.PACKAGE,))

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove all files."""
        return self.changed(
            deposits.remove_packages(actor=self.actor, deposit=self.deposit, if_revision=self.if_revision)
        )


class FileView(ObjectPart):
    """File-URL: a package of the object, here or still to be fetched."""

    def find(self, **path: Any) -> None:
        """The object and its file."""
        super().find(**path)
        files = Part.objects.filter(deposit=self.deposit).exclude(kind=PartKind.METADATA)
        found = files.filter(pk=min(int(path["part_id"]), LARGEST_ID)).first()
        if found is None:
            raise Refusal(
                Kind.NOT_FOUND,
                "sword3.file_unknown",
                "The object has no such file.",
                "The links of its status document are those it has.",
            )
        self.part = found

    def get(self, request: Request, **path: Any) -> HttpResponseBase:
        """The bytes as they were sent, or a range of them."""
        require(self.actor, Operation.READ_CONTENT, self.deposit)
        stored = self.part.stored_as
        if stored is None or not exists(stored):
            raise Refusal(
                Kind.NOT_FOUND,
                "sword3.file_away",
                "The bytes of this file are not here: they are still to be fetched, or no longer kept.",
            )
        response = ranged(
            request,
            length=self.part.size,
            open_range=partial(chunks_of, stored),
            etag=documents.etag_of(self.deposit).strip('"'),
            content_type=sendable_type(self.part.content_type),
        )
        response["Packaging"] = terms.PACKAGING_IRIS.get(self.part.packaging, terms.BINARY)
        return guarded(response, self.part.name)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Put another file in the place of this one."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=client_of(self.actor), takes=_FILES) as submission:
            if len(submission.package_names) != 1:
                raise bad_request("sword3.one_file", "One file is replaced by one file.")
            return self.replace(headers, submission, (PartKind.PACKAGE,), only=self.part.pk)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove this file."""
        return self.changed(
            deposits.remove_packages(
                actor=self.actor, deposit=self.deposit, only=self.part.pk, if_revision=self.if_revision
            )
        )
