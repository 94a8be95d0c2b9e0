"""The endpoints below ``/1/``: a view reads the request, calls one service, and renders."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from deposit import selectors
from deposit.actors import Actor, become
from deposit.authentication import SwordAuthenticator
from deposit.http.body import Body
from deposit.http.errors import refusal_of
from deposit.http.negotiation import AnyNegotiation, accepts
from deposit.http.retries import Replayed, answer_once, is_retryable, key_of, request_fingerprint
from deposit.intake.limits import Sizes
from deposit.membership import mediated
from deposit.metadata.entry import Entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.exports.dublin_core import terms_of
from deposit.metadata.xml import parse
from deposit.models import Client, Collection, Deposit, Status
from deposit.permissions import Operation, client_of
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.services.idempotency import forgotten, is_kept
from deposit.services.parts import Submission
from deposit.sword import documents, paging
from deposit.sword.headers import Headers, read_headers
from deposit.sword.iris import Iris, iris_of
from deposit.sword.receiving import receive, slug_of
from deposit.sword.responses import error_response

XML = "application/xml"


def xml_response(body: bytes, status: int = 200, content_type: str = XML, **headers: str) -> HttpResponse:
    """An XML answer; header names are given with underscores."""
    response = HttpResponse(body, status=status, content_type=content_type)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def etag_of(deposit: Deposit) -> str:
    """The entity tag of a deposit's documents (RFC 9110 section 8.8.3)."""
    return f'"{deposit.pk}-{deposit.revision}"'


class SwordView(APIView):
    """What all endpoints share: authentication, mediation, errors as documents."""

    authentication_classes = [SwordAuthenticator]
    permission_classes = []
    parser_classes = []
    content_negotiation_class = AnyNegotiation
    # What reading here reads; and whether this door is for depositors alone.
    reads = Operation.READ
    clients_only = True
    # The client's If-Match speaks of an earlier state: a refusal, unless this is a retry of what changed it.
    outdated: Refusal | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, find out for whom (SWORD 2 section 8), and then what the address names."""
        super().initial(request, *args, **kwargs)
        self.actor = cast(Actor, request.auth)
        if self.clients_only:
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
        return self.reads if self.request.method in ("GET", "HEAD", "OPTIONS") else Operation.CHANGE

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Every refusal becomes a ``sword:error`` document, whoever raised it."""
        if isinstance(exc, Replayed):
            return exc.response
        return error_response(refusal_of(exc), allow=self.allowed_methods)

    @property
    def iris(self) -> Iris:
        """The IRIs under the address this client uses."""
        return iris_of(self.request)

    @property
    def receiver(self) -> Collection | None:
        """The collection that takes what this request brings, if there is one."""
        return None

    def headers_and_body(self) -> tuple[Headers, Body]:
        """The deposit headers and the unread body of this request."""
        headers = read_headers(self.request.META)
        self.key = key_of(self.request)
        self.again = is_kept(cast(User, self.request.user), self.key)
        sizes = Sizes.of(self.receiver)
        return headers, Body(self.request.META, headers.content_length, sizes, again=self.again)

    def once(
        self, headers: Headers, submission: Submission | None, perform: Callable[[], HttpResponse]
    ) -> HttpResponse:
        """Do what a POST asks for, once for all requests with its Idempotency-Key."""
        owner = str(self.actor.owner or "")
        path, slug = self.request.path, self.request.META.get("HTTP_SLUG")
        sent = request_fingerprint(path, headers.in_progress, slug, submission, owner)

        def first() -> HttpResponse:
            if self.again:
                raise forgotten()
            if self.outdated:
                raise self.outdated
            return perform()

        return answer_once(user=cast(User, self.request.user), key=self.key, fingerprint=sent, perform=first)

    def receipt(
        self,
        deposit: Deposit,
        collection: str,
        *,
        entry: Entry | None,
        status: int = 201,
        described: bool = False,
        packaged: bool = True,
        **headers: str,
    ) -> HttpResponse:
        """A deposit receipt; ``entry`` is the deposit's effective one. ``packaged``: it may have packages.

        ``described``: all that it says in other vocabularies is told in Dublin Core, too.
        """
        core = list(entry.dublin_core) if entry else []
        if entry and described:
            core += terms_of(tree_of(parse(entry.document)), said={name for name, _ in core})
        identifiers = [("identifier", value) for value in selectors.identifier_values(deposit)]
        body = documents.receipt(
            deposit,
            collection=collection,
            iris=self.iris,
            packages=selectors.packages_of(deposit) if packaged else [],
            dublin_core=(*core, *identifiers),
            detail=self._detail(deposit),
        )
        return xml_response(body, status=status, ETag=etag_of(deposit), **headers)

    def _detail(self, deposit: Deposit) -> str:
        """What the checks found; a deposit that they have not seen is not looked up."""
        if deposit.status in (Status.PARTIAL, Status.DEPOSITED) and not deposit.held_packages:
            return ""
        return selectors.status_details([deposit]).get(deposit.pk, "")


class ServiceDocumentView(SwordView):
    """SD-IRI: where the client may deposit what."""

    def get(self, request: Request) -> HttpResponse:
        """The service document, under the media type that the client asks for."""
        kind = next((one for one in documents.SERVICE_TYPES if accepts(request, one)), XML)
        collections = list(selectors.collections_of(self.actor))
        largest = max((Sizes.of(each).upload for each in collections), default=settings.MAX_UPLOAD_SIZE)
        return xml_response(
            content_type=kind,
            body=documents.service_document(
                collections=collections,
                iris=self.iris,
                max_upload_size=largest,
                title=settings.SERVICE_TITLE,
                release_author=settings.RELEASE_AUTHOR,
            ),
        )


class CollectionView(SwordView):
    """Col-IRI: list the deposits, create one."""

    def find(self, **path: Any) -> None:
        """The collection, if the client may use it."""
        self.target = selectors.collection_for(self.actor, path["collection"])

    @property
    def receiver(self) -> Collection | None:
        """The collection itself."""
        return self.target

    def get(self, request: Request, collection: str) -> HttpResponse:
        """One page of the client's deposits."""
        page = paging.page_of(self.actor, request.META.get("QUERY_STRING", ""))
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
        with receive(body, headers, client=self.client) as submission:
            return self.once(headers, submission, lambda: self._create(headers, submission, slug))

    def _create(self, headers: Headers, submission: Submission, slug: str | None) -> HttpResponse:
        deposit = deposits.create(
            actor=self.actor,
            collection=self.target,
            submission=submission,
            in_progress=headers.in_progress,
            slug=slug,
        )
        name = self.target.name
        return self.receipt(
            deposit,
            name,
            entry=submission.entry,
            packaged=bool(submission.package_names),
            Location=self.iris.edit(name, deposit.pk),
        )


class DepositView(SwordView):
    """What the IRIs of one deposit share."""

    # The methods that compare X-Check-SWHID with the deposit.
    checks_swhid: tuple[str, ...] = ()

    def find(self, **path: Any) -> None:
        """The deposit; a foreign one does not exist. A change must know the deposit's present state, if it says so."""
        self.collection: str = path["collection"]
        self.deposit = selectors.deposit_for(
            self.actor, self.operation, self.collection, int(path["deposit_id"])
        )
        self.if_revision: int | None = None
        if_match = self.request.META.get("HTTP_IF_MATCH", "*").strip()
        if self.operation is Operation.CHANGE and if_match != "*":
            if self.tags().isdisjoint(tag.strip() for tag in if_match.split(",")):
                self.outdated = deposits.changed_meanwhile()
                if not is_retryable(self.request):
                    raise self.outdated
            self.if_revision = self.deposit.revision

    @property
    def receiver(self) -> Collection | None:
        """The deposit's collection."""
        return self.deposit.collection

    def headers_and_body(self) -> tuple[Headers, Body]:
        """As everywhere; a check that a client asks for in vain is refused, not left out."""
        headers, body = super().headers_and_body()
        if headers.check_swhid and self.request.method not in self.checks_swhid:
            raise Refusal(
                Kind.BAD_REQUEST,
                "header.check_swhid",
                "The X-Check-SWHID header is not for this request.",
                "It goes with a PUT of an Atom entry that updates the metadata of a deposit that is done.",
            )
        return headers, body

    @property
    def etag(self) -> str:
        """The entity tag of the deposit's documents; it changes with everything that a client can see."""
        return etag_of(self.deposit)

    def tags(self) -> set[str]:
        """The entity tags under which a client may know what this address gives, as it is now."""
        return {self.etag}

    def changed(self, deposit: Deposit) -> HttpResponse:
        """204 with the new entity tag."""
        return HttpResponse(status=204, headers={"ETag": etag_of(deposit)})

    def add(
        self, headers: Headers, submission: Submission, location: Callable[[str, int], str]
    ) -> HttpResponse:
        """Add what arrived, and say where the result is found."""
        deposit = deposits.add(
            actor=self.actor,
            deposit=self.deposit,
            submission=submission,
            in_progress=headers.in_progress,
            if_revision=self.if_revision,
        )
        entry = submission.entry or deposits.effective_entry(deposit)
        return self.receipt(
            deposit, self.collection, entry=entry, Location=location(self.collection, deposit.pk)
        )


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
