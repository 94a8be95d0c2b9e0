"""The endpoints below ``/1/``: a view reads the request, calls one service, and renders."""

import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from deposit import selectors
from deposit.actors import Actor, become
from deposit.authentication import SwordAuthenticator
from deposit.models import Client, Deposit, PartKind, Status
from deposit.permissions import Operation, client_of, mediated
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.services.arrivals import Arrival
from deposit.sword import documents, paging
from deposit.sword.body import Body
from deposit.sword.headers import Headers, bad_request, read_headers
from deposit.sword.iris import Iris, iris_of
from deposit.sword.negotiation import AnyNegotiation
from deposit.sword.receiving import content_error, receive, slug_of
from deposit.sword.responses import error_response, refusal_of

XML = "application/xml"


def xml_response(body: bytes, status: int = 200, content_type: str = XML, **headers: str) -> HttpResponse:
    """An XML answer; header names are given with underscores."""
    response = HttpResponse(body, status=status, content_type=content_type)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


class SwordView(APIView):
    """What all endpoints share: authentication, mediation, errors as documents."""

    authentication_classes = [SwordAuthenticator]
    permission_classes = []
    parser_classes = []
    content_negotiation_class = AnyNegotiation

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, find out for whom (SWORD 2 section 8), and then what the address names."""
        super().initial(request, *args, **kwargs)
        self.actor = cast(Actor, request.auth)
        self.client: Client = client_of(self.actor)
        refused = self._mediate(request.META.get("HTTP_ON_BEHALF_OF", "").strip(), kwargs.get("collection"))
        self.find(**kwargs)
        if refused:
            raise refused

    def _mediate(self, owner: str, collection: str | None) -> Refusal | None:
        """Act for the owner from here on; a client that may not learns so after what else is wrong."""
        if not owner:
            return None
        try:
            self.actor = mediated(self.actor, owner, collection)
        except Refusal as refusal:
            return refusal
        become(self.actor)
        self.client = client_of(self.actor)
        return None

    def find(self, **path: Any) -> None:
        """Look for what the address names. Raises `Refusal`."""

    @property
    def operation(self) -> Operation:
        """What the request's method does to a deposit."""
        return Operation.READ if self.request.method in ("GET", "HEAD", "OPTIONS") else Operation.CHANGE

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Every refusal becomes a ``sword:error`` document, whoever raised it."""
        return error_response(refusal_of(exc), allow=self.allowed_methods)

    @property
    def iris(self) -> Iris:
        """The IRIs under the address this client uses."""
        return iris_of(self.request)

    def headers_and_body(self) -> tuple[Headers, Body]:
        """The deposit headers and the unread body of this request."""
        headers = read_headers(self.request.META)
        return headers, Body(self.request.META, headers.content_length)

    def receipt(
        self,
        deposit: Deposit,
        collection: str,
        *,
        holds: Arrival | None = None,
        status: int = 201,
        **headers: str,
    ) -> HttpResponse:
        """A deposit receipt. ``holds``: all there is in the deposit, if the caller has it at hand."""
        if holds is None:
            entry, archive = deposits.effective_entry(deposit), selectors.archive_name(deposit)
        else:
            entry, archive = holds.entry, holds.package.name if holds.package else None
        body = documents.receipt(
            deposit,
            collection=collection,
            iris=self.iris,
            archive=archive,
            dublin_core=entry.dublin_core if entry else (),
        )
        return xml_response(body, status=status, **headers)


class ServiceDocumentView(SwordView):
    """SD-IRI: where the client may deposit what."""

    def get(self, request: Request) -> HttpResponse:
        """The service document."""
        return xml_response(
            documents.service_document(
                collections=list(selectors.collections_of(self.actor)),
                iris=self.iris,
                max_upload_size=settings.MAX_UPLOAD_SIZE,
                title=settings.SERVICE_TITLE,
            )
        )


class CollectionView(SwordView):
    """Col-IRI: list the deposits, create one."""

    def find(self, **path: Any) -> None:
        """The collection, if the client may use it."""
        self.target = selectors.collection_for(self.actor, path["collection"])

    def get(self, request: Request, collection: str) -> HttpResponse:
        """One page of the client's deposits."""
        page = paging.page_of(selectors.deposits_of(self.actor), request.META.get("QUERY_STRING", ""))
        body = documents.deposit_list(
            page.items,
            count=page.count,
            collection=collection,
            iris=self.iris,
            details=selectors.status_details(page.items),
        )
        return xml_response(body, Link=page.links(self.iris.collection(collection)))

    def post(self, request: Request, collection: str) -> HttpResponse:
        """Create a deposit from a package, an entry, or both."""
        headers, body = self.headers_and_body()
        slug = slug_of(headers)
        with receive(body, headers) as arrival:
            deposit = deposits.create(
                actor=self.actor,
                collection=self.target,
                arrival=arrival,
                in_progress=headers.in_progress,
                slug=slug,
            )
        return self.receipt(
            deposit, collection, holds=arrival, Location=self.iris.edit(collection, deposit.pk)
        )


class DepositView(SwordView):
    """What the IRIs of one deposit share."""

    def find(self, **path: Any) -> None:
        """The deposit; a foreign one does not exist."""
        self.collection: str = path["collection"]
        self.deposit = selectors.deposit_for(
            self.actor, self.operation, self.collection, int(path["deposit_id"])
        )


class EditMediaView(DepositView):
    """EM-IRI: the packages of a deposit."""

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Add a package."""
        headers, body = self.headers_and_body()
        with receive(body, headers, entries=False) as arrival:
            deposit = deposits.add(
                actor=self.actor, deposit=self.deposit, arrival=arrival, in_progress=headers.in_progress
            )
        return self.receipt(deposit, self.collection, Location=self.iris.content(self.collection, deposit.pk))

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Put one package in the place of all."""
        headers, body = self.headers_and_body()
        with receive(body, headers, entries=False) as arrival:
            deposits.replace(
                actor=self.actor,
                deposit=self.deposit,
                arrival=arrival,
                in_progress=headers.in_progress,
                kinds=(PartKind.PACKAGE,),
            )
        return HttpResponse(status=204)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Remove all packages."""
        deposits.remove_packages(actor=self.actor, deposit=self.deposit)
        return HttpResponse(status=204)


class EditView(DepositView):
    """Edit-IRI: the deposit itself and its metadata."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The deposit receipt (SWORD 2 section 6.3.1)."""
        return self.receipt(self.deposit, self.collection, status=200)

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """Replace the metadata, or metadata and packages."""
        return replace_metadata(self)

    def delete(self, request: Request, **path: Any) -> HttpResponse:
        """Delete the deposit."""
        deposits.delete(actor=self.actor, deposit=self.deposit)
        return HttpResponse(status=204)


def replace_metadata(view: DepositView) -> HttpResponse:
    """PUT on the Edit-IRI; clients send it to the SE-IRI too."""
    headers, body = view.headers_and_body()
    with receive(body, headers, binaries=False) as arrival:
        if headers.check_swhid and view.deposit.status != Status.PARTIAL:
            return _update_metadata(view, arrival, headers.check_swhid)
        kinds = (PartKind.METADATA, PartKind.PACKAGE) if arrival.package else (PartKind.METADATA,)
        deposits.replace(
            actor=view.actor,
            deposit=view.deposit,
            arrival=arrival,
            in_progress=headers.in_progress,
            kinds=kinds,
        )
    return HttpResponse(status=204)


def _update_metadata(view: DepositView, arrival: Arrival, check_swhid: str) -> HttpResponse:
    if arrival.package or not arrival.entry:
        raise content_error("An update of a deposit that is done holds metadata only: send an Atom entry.")
    deposits.update_metadata(
        actor=view.actor, deposit=view.deposit, entry=arrival.entry, check_swhid=check_swhid
    )
    return HttpResponse(status=204)


class SwordEditView(DepositView):
    """SE-IRI: add to a deposit, complete it."""

    def post(self, request: Request, **path: Any) -> HttpResponse:
        """Add metadata, or metadata and a package; an empty body completes the deposit."""
        headers, body = self.headers_and_body()
        if body.is_empty:
            return self._complete(headers)
        with receive(body, headers, binaries=False) as arrival:
            deposit = deposits.add(
                actor=self.actor, deposit=self.deposit, arrival=arrival, in_progress=headers.in_progress
            )
        return self.receipt(
            deposit, self.collection, Location=self.iris.edit_media(self.collection, deposit.pk)
        )

    def _complete(self, headers: Headers) -> HttpResponse:
        if headers.in_progress:
            raise bad_request(
                "body.empty",
                "Empty body request is not supported.",
                "An empty request completes the deposit: send it with In-Progress: false.",
            )
        deposit = deposits.complete(actor=self.actor, deposit=self.deposit)
        response = self.receipt(
            deposit, self.collection, Location=self.iris.edit(self.collection, deposit.pk)
        )
        response.status_code = 200
        return response

    def put(self, request: Request, **path: Any) -> HttpResponse:
        """The same as PUT on the Edit-IRI."""
        return replace_metadata(self)


class StateView(DepositView):
    """State-IRI: where the deposit stands."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The status document; as JSON for those who ask."""
        detail = selectors.status_details([self.deposit]).get(self.deposit.pk, "")
        if "application/json" in request.META.get("HTTP_ACCEPT", ""):
            fields: dict[str, object] = dict(documents.status_fields(self.deposit, detail))
            fields |= {"deposit_id": self.deposit.pk, "deposit_origin_url": self.deposit.origin_url}
            return HttpResponse(json.dumps(fields), content_type="application/json")
        return xml_response(documents.status(self.deposit, detail))


class ContentView(DepositView):
    """Cont-IRI: what the deposit holds."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The content document."""
        return xml_response(documents.content(self.deposit))


def unknown_path(request: HttpRequest, **path: Any) -> HttpResponse:
    """Any other path below ``/1/``."""
    return error_response(
        Refusal(
            Kind.NOT_FOUND,
            "path.unknown",
            "There is nothing at this address.",
            "Start at /1/servicedocument/",
        )
    )


unknown_path.csrf_exempt = True  # type: ignore[attr-defined]
