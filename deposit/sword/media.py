"""The EM-IRI and the files below it: the packages of a deposit, to add, replace, remove and get back."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from rest_framework.request import Request

from deposit import selectors
from deposit.http.downloads import file_response, zip_response
from deposit.http.negotiation import accepts
from deposit.http.text import sendable_iri, sendable_type
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, PartKind
from deposit.permissions import Operation
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.sword.documents import FEED_TYPE
from deposit.sword.feeds import media_feed
from deposit.sword.iris import Iris
from deposit.sword.receiving import receive
from deposit.sword.statements import OriginalDeposit
from deposit.sword.views import DepositView, xml_response


def originals(deposit: Deposit, collection: str, iris: Iris) -> list[OriginalDeposit]:
    """The packages of a deposit as statements and feeds tell of them."""
    owner = deposit.client.user.get_username()
    return [
        OriginalDeposit(
            iri=iris.file(collection, deposit.pk, part.pk),
            name=part.name,
            media_type=sendable_type(part.content_type),
            packaging=sendable_iri(part.packaging) or Packaging.SIMPLE_ZIP,
            deposited_on=part.created_at,
            deposited_by=part.mediator or owner,
            on_behalf_of=owner if part.mediator else "",
        )
        for part in selectors.packages_of(deposit)
    ]


class EditMediaView(DepositView):
    """EM-IRI: the packages of a deposit."""

    reads = Operation.READ_CONTENT

    def tags(self) -> set[str]:
        """That of the one package, too: GET gives it as it is."""
        parts = selectors.packages_of(self.deposit)
        return super().tags() | ({_tag_of(parts[0])} if len(parts) == 1 else set())

    def get(self, request: Request, **path: Any) -> HttpResponseBase:
        """The packages (SWORD 2 section 6.4): one as it was sent or all in a zip; for those who ask, their feed."""
        if accepts(request, FEED_TYPE):
            return feed_response(self)
        packaging = request.META.get("HTTP_ACCEPT_PACKAGING", "").strip()
        if packaging and packaging not in set(Packaging):
            raise _not_acceptable(packaging, f"One of these can: {', '.join(Packaging)}.")
        parts = selectors.packages_of(self.deposit)
        if len(parts) == 1 and _is_already(parts[0], packaging):
            response = file_response(request, parts[0])
            if packaging:
                response["Packaging"] = packaging
            return response
        if packaging == Packaging.BAGIT:
            # The bag that the service makes of any deposit.
            return HttpResponseRedirect(reverse("archive-bag", args=[self.deposit.pk]), preserve_request=True)
        if packaging == Packaging.BINARY:
            raise _not_acceptable(packaging, "There are several packages, or none; their feed leads to each.")
        return zip_response(self.deposit, parts)

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Add a package (SWORD 2 section 6.7.1)."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=self.client, entries=False) as submission:
            return self.once(
                headers, submission, lambda: self.add(headers, submission, self._location_of_the_newest)
            )

    def _location_of_the_newest(self, collection: str, deposit_id: int) -> str:
        newest = selectors.packages_of(self.deposit)[-1]
        return self.iris.file(collection, deposit_id, newest.pk)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Put one package in the place of all."""
        headers, body = self.headers_and_body()
        with receive(body, headers, client=self.client, entries=False) as submission:
            changed = deposits.replace(
                actor=self.actor,
                deposit=self.deposit,
                submission=submission,
                in_progress=headers.in_progress,
                kinds=(PartKind.PACKAGE,),
                if_revision=self.if_revision,
            )
        return self.changed(changed)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove all packages."""
        return self.changed(
            deposits.remove_packages(actor=self.actor, deposit=self.deposit, if_revision=self.if_revision)
        )


def feed_response(view: DepositView) -> HttpResponse:
    """The feed of a deposit's packages."""
    deposit, collection = view.deposit, view.collection
    body = media_feed(
        iri=view.iris.media_feed(collection, deposit.pk),
        title=f"Packages of deposit {deposit.pk}",
        author=deposit.client.user.get_username(),
        updated=deposit.status_changed_at,
        originals=originals(deposit, collection, view.iris),
    )
    return xml_response(body, content_type=FEED_TYPE, ETag=view.etag)


class MediaFeedView(DepositView):
    """The feed of the packages under an address of its own: the one that the receipt links to."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The feed, whatever the client accepts."""
        return feed_response(self)


class FileView(DepositView):
    """One package of a deposit (SWORD 2 section 6.10)."""

    reads = Operation.READ_CONTENT

    def find(self, **path: Any) -> None:
        """The deposit and its package."""
        super().find(**path)
        self.part = self._named()

    def _named(self) -> Part:
        return selectors.package_of(self.deposit, int(self.kwargs["part_id"]))

    def tags(self) -> set[str]:
        """That of its bytes, too."""
        return super().tags() | {_tag_of(self._named())}

    def get(self, request: Request, **path: Any) -> HttpResponseBase:
        """The bytes as they were sent, or a range of them."""
        return file_response(request, self.part)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Put another package in the place of this one, under the same address, any number of times.

        The deposit is completed only by a client that says so: one that repeats the request could not do it again.
        """
        headers, body = self.headers_and_body()
        completes = "HTTP_IN_PROGRESS" in request.META and not headers.in_progress
        with receive(body, headers, client=self.client, entries=False) as submission:
            changed = deposits.replace(
                actor=self.actor,
                deposit=self.deposit,
                submission=submission,
                in_progress=not completes,
                kinds=(PartKind.PACKAGE,),
                only=self.part.pk,
                if_revision=self.if_revision,
            )
        return self.changed(changed)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove this package."""
        return self.changed(
            deposits.remove_packages(
                actor=self.actor, deposit=self.deposit, only=self.part.pk, if_revision=self.if_revision
            )
        )


def _not_acceptable(packaging: str, hint: str) -> Refusal:
    return Refusal(
        Kind.NOT_ACCEPTABLE,
        "packaging.not_acceptable",
        f"The packaging {packaging} is not available.",
        f"{hint} Without Accept-Packaging all packages come in a zip.",
    )


def _tag_of(part: Part) -> str:
    return f'"{part.sha256}"'


def _is_already(part: Part, packaging: str) -> bool:
    """Whether a package can be given as it is to who asks for this packaging, or for none in particular."""
    own = part.packaging or Packaging.SIMPLE_ZIP
    if packaging:
        return packaging in (own, Packaging.BINARY)
    return part.content_type == "application/zip" or own == Packaging.BINARY
