"""The Edit-IRI and the SE-IRI: a deposit, its metadata, and its completion."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from deposit.http.deletions import accepted, reason_in
from deposit.http.headers import bad_request
from deposit.http.negotiation import accepts
from deposit.models import PartKind
from deposit.services import deletions, deposits
from deposit.services.parts import Submission
from deposit.sword.documents import FEED_TYPE
from deposit.sword.headers import Headers
from deposit.sword.receiving import content_error, receive
from deposit.sword.state import statement_response
from deposit.sword.statements import RDF_TYPE
from deposit.sword.views import DepositView


class EditView(DepositView):
    """Edit-IRI: the deposit itself and its metadata."""

    checks_swhid = ("PUT",)

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The deposit receipt (SWORD 2 section 6.3.1), or the statement for those who ask for one."""
        for kind, suffix in ((FEED_TYPE, "atom"), (RDF_TYPE, "rdf")):
            if accepts(request, kind):
                return statement_response(self, suffix)
        entry = deposits.effective_entry(self.deposit)
        return self.receipt(self.deposit, self.collection, entry=entry, status=200, described=True)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Replace the metadata, or metadata and packages."""
        return replace_metadata(self)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Delete the deposit: 204; one that is done: 202, and somebody decides on its withdrawal."""
        asked = deletions.delete_or_ask(
            actor=self.actor,
            deposit=self.deposit,
            if_revision=self.if_revision,
            reason=reason_in(request),
        )
        return HttpResponse(status=204) if asked is None else accepted(asked)


def replace_metadata(view: DepositView) -> HttpResponse:
    """PUT on the Edit-IRI; clients send it to the SE-IRI too."""
    headers, body = view.headers_and_body()
    with receive(body, headers, client=view.client, binaries=False) as submission:
        if headers.check_swhid:
            return _update_metadata(view, submission, headers.check_swhid)
        kinds = (PartKind.METADATA, PartKind.PACKAGE) if submission.package else (PartKind.METADATA,)
        changed = deposits.replace(
            actor=view.actor,
            deposit=view.deposit,
            submission=submission,
            in_progress=headers.in_progress,
            kinds=kinds,
            if_revision=view.if_revision,
        )
    return view.changed(changed)


def _update_metadata(view: DepositView, submission: Submission, check_swhid: str) -> HttpResponse:
    if submission.package or not submission.entry:
        raise content_error("An update of a deposit that is done holds metadata only: send an Atom entry.")
    changed = deposits.update_metadata(
        actor=view.actor,
        deposit=view.deposit,
        entry=submission.entry,
        check_swhid=check_swhid,
        if_revision=view.if_revision,
    )
    return view.changed(changed)


class SwordEditView(DepositView):
    """SE-IRI: add to a deposit, complete it."""

    checks_swhid = ("PUT",)

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Add metadata, or metadata and a package; an empty body completes the deposit."""
        headers, body = self.headers_and_body()
        if body.is_empty:
            return self.once(headers, None, lambda: self._complete(headers))
        with receive(body, headers, client=self.client, binaries=False) as submission:
            return self.once(headers, submission, lambda: self.add(headers, submission, self.iris.edit_media))

    def _complete(self, headers: Headers) -> HttpResponse:
        if headers.in_progress:
            raise bad_request(
                "body.empty",
                "Empty body request is not supported.",
                "An empty request completes the deposit: send it with In-Progress: false.",
            )
        deposit = deposits.complete(actor=self.actor, deposit=self.deposit, if_revision=self.if_revision)
        entry = deposits.effective_entry(deposit)
        location = self.iris.edit(self.collection, deposit.pk)
        return self.receipt(deposit, self.collection, entry=entry, status=200, Location=location)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """The same as PUT on the Edit-IRI."""
        return replace_metadata(self)
