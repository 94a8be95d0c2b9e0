"""What the endpoints below ``/3/`` share, and the service documents. A view reads, calls one service, renders."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from deposit import selectors
from deposit.actors import Actor, become
from deposit.authentication import SwordAuthenticator
from deposit.authentication.sessions import session_actor
from deposit.http.body import Body
from deposit.http.errors import refusal_of
from deposit.http.negotiation import AnyNegotiation
from deposit.http.retries import Replayed, answer_once, is_retryable, key_of
from deposit.intake.limits import Sizes
from deposit.membership import mediated
from deposit.metadata.origins import decode_slug
from deposit.models import Collection, Deposit, PartKind
from deposit.permissions import Operation, client_of, require, visible_deposit
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.services.idempotency import fingerprint, forgotten, is_kept
from deposit.services.parts import Submission
from deposit.sword3 import documents
from deposit.sword3.errors import error_response
from deposit.sword3.headers import Content, Sword3Headers, read_sword3_headers
from deposit.sword3.links import Links, links_of
from deposit.sword3.receiving import receive

EVERYTHING = (Content.EMPTY, Content.METADATA, Content.BY_REFERENCE, Content.BOTH, Content.BINARY)


class Sword3Authenticator(SwordAuthenticator):
    """By an Authorization header, or by the session of the browser that uploads."""

    def authenticate(self, request: Request) -> tuple[User, Actor]:
        """The user and actor of a request. Raises `Refusal`."""
        plain = request._request
        if "HTTP_AUTHORIZATION" in request.META or not plain.user.is_authenticated:
            try:
                return super().authenticate(request)
            except Refusal as refusal:
                if plain.headers.get("X-Requested-With") == "XMLHttpRequest":
                    # A page whose log-in is over says so itself; the browser must not ask for a password.
                    refusal.challenge = 'Session realm="deposit"'
                raise
        # The guard would look for its token in the body, which is none of its business: it is shown a form without one.
        plain._post, plain._files = QueryDict(), MultiValueDict()  # type: ignore[attr-defined]
        SessionAuthentication().enforce_csrf(plain)  # type: ignore[arg-type]
        actor = session_actor(plain, self.channel)
        assert actor.user is not None
        become(actor)
        return actor.user, actor


def json_response(
    document: Mapping[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """A JSON-LD answer."""
    return HttpResponse(
        json.dumps(document), status=status, content_type="application/json", headers=headers or {}
    )


class Sword3View(APIView):
    """Authentication, mediation, errors as documents."""

    authentication_classes = [Sword3Authenticator]
    permission_classes = []
    parser_classes = []
    content_negotiation_class = AnyNegotiation
    # The client's If-Match speaks of an earlier state: a refusal, unless this is a retry of what changed it.
    outdated: Refusal | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, find out for whom, and then what the address names."""
        super().initial(request, *args, **kwargs)
        self.actor = cast(Actor, request.auth)
        owner = request.META.get("HTTP_ON_BEHALF_OF", "").strip()
        if owner:
            self.actor = mediated(self.actor, owner, kwargs.get("collection"))
            become(self.actor)
        self.find(**kwargs)

    def find(self, **path: Any) -> None:
        """Look for what the address names. Raises `Refusal`."""

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Every refusal becomes an error document, whoever raised it."""
        if isinstance(exc, Replayed):
            return exc.response
        return error_response(refusal_of(exc), allow=self.allowed_methods)

    @property
    def links(self) -> Links:
        """The URLs under the address this client uses."""
        return links_of(self.request)

    @property
    def changes(self) -> bool:
        """Whether the request's method asks for a change."""
        return self.request.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def receiver(self) -> Collection | None:
        """The collection that takes what this request brings, if there is one."""
        return None

    def headers_and_body(self) -> tuple[Sword3Headers, Body]:
        """The deposit headers and the unread body of this request."""
        headers = read_sword3_headers(self.request.META)
        self.key = key_of(self.request)
        self.again = is_kept(cast(User, self.request.user), self.key)
        sizes = Sizes.of(self.receiver)
        return headers, Body(self.request.META, headers.content_length, sizes, again=self.again)

    def once(self, headers: Sword3Headers, perform: Callable[[], HttpResponse]) -> HttpResponse:
        """Do what a POST asks for, once for all requests with its Idempotency-Key."""
        meta = self.request.META
        said = [meta.get(f"HTTP_{name}") for name in ("CONTENT_DISPOSITION", "PACKAGING", "SLUG")]
        owner = str(self.actor.owner or "")
        sent = fingerprint("POST", self.request.path, owner, str(headers.in_progress), headers.sha256, *said)

        def first() -> HttpResponse:
            if self.again:
                raise forgotten()
            if self.outdated:
                raise self.outdated
            return perform()

        return answer_once(user=cast(User, self.request.user), key=self.key, fingerprint=sent, perform=first)

    def status(
        self, deposit: Deposit, status: int = 200, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """The status document of an object, as it is now."""
        fresh = Deposit.objects.select_related("collection", "client__user").get(pk=deposit.pk)
        etag = {"ETag": documents.etag_of(fresh)}
        return json_response(
            documents.status_document(fresh, self.links), status=status, headers=etag | (headers or {})
        )


def is_queued(submission: Submission) -> bool:
    """Whether some of what a request brings is still to be fetched."""
    return any(not hasattr(file, "upload_id") for file in submission.files)


class RootView(Sword3View):
    """Service-URL of the whole server."""

    def get(self, request: Request) -> HttpResponse:
        """The service document, with the services that this client may deposit to."""
        return json_response(documents.service_document(self._collections(), self.links))

    def _collections(self) -> list[Any]:
        collections = list(selectors.collections_of(self.actor))
        if self.actor.owner:
            return [each for each in collections if getattr(each, "mediates", False)]
        return collections


class ServiceView(Sword3View):
    """Service-URL of a collection."""

    def find(self, **path: Any) -> None:
        """The collection, if the client may use it."""
        self.collection = selectors.collection_for(self.actor, path["collection"])

    @property
    def receiver(self) -> Collection | None:
        """The collection itself."""
        return self.collection

    def get(self, request: Request, collection: str) -> HttpResponse:
        """The service document of the collection."""
        mine = selectors.collections_of(self.actor).get(pk=self.collection.pk)
        return json_response(documents.collection_document(mine, self.links))

    def post(self, request: Request, collection: str) -> HttpResponse:
        """Create an object."""
        headers, body = self.headers_and_body()
        slug = decode_slug(headers.slug) or None if headers.slug else None
        with receive(body, headers, client=client_of(self.actor), takes=EVERYTHING) as submission:
            return self.once(headers, lambda: self._create(headers, submission, slug))

    def _create(self, headers: Sword3Headers, submission: Submission, slug: str | None) -> HttpResponse:
        deposit = deposits.create(
            actor=self.actor,
            collection=self.collection,
            submission=submission,
            in_progress=headers.in_progress,
            slug=slug,
        )
        location = {"Location": self.links.object(deposit.pk)}
        return self.status(deposit, 202 if is_queued(submission) else 201, location)


class ObjectPart(Sword3View):
    """What the URLs of an object and of its components share."""

    def find(self, **path: Any) -> None:
        """The deposit; a foreign one does not exist. A change must know its present state, if it says so."""
        self.deposit = visible_deposit(self.actor, int(path["deposit_id"]))
        if self.changes:
            require(self.actor, Operation.CHANGE, self.deposit)
            self.if_revision = self._if_revision(self.request.META.get("HTTP_IF_MATCH", "").strip())

    @property
    def receiver(self) -> Collection | None:
        """The deposit's collection."""
        return self.deposit.collection

    def _if_revision(self, if_match: str) -> int | None:
        if not if_match and settings.REQUIRE_IF_MATCH:
            raise Refusal(
                Kind.PRECONDITION_FAILED,
                "sword3.etag_required",
                "The If-Match header is missing.",
                "Send the eTag that the status document of the object tells.",
            )
        if if_match in ("", "*"):
            return None
        # With or without the quotes: clients take it from a header or from the status document.
        tags = [tag.strip().strip('"') for tag in if_match.split(",")]
        if documents.etag_of(self.deposit).strip('"') not in tags:
            self.outdated = deposits.changed_meanwhile()
            if not is_retryable(self.request):
                raise self.outdated
        return self.deposit.revision

    def replace(
        self,
        headers: Sword3Headers,
        submission: Submission,
        kinds: tuple[PartKind, ...],
        only: int | None = None,
    ) -> HttpResponse:
        """Put what arrived in the place of a component of the object, which stays in progress."""
        changed = deposits.replace(
            actor=self.actor,
            deposit=self.deposit,
            submission=submission,
            in_progress=True,
            kinds=kinds,
            only=only,
            if_revision=self.if_revision,
        )
        return self.changed(changed, 202 if is_queued(submission) else 204)

    def changed(self, deposit: Deposit, status: int = 204) -> HttpResponse:
        """No document, but the new entity tag."""
        return HttpResponse(status=status, headers={"ETag": documents.etag_of(deposit)})


def unknown_path(request: HttpRequest, **path: Any) -> HttpResponse:
    """Any other path below ``/3/``."""
    return error_response(
        Refusal(Kind.NOT_FOUND, "path.unknown", "There is nothing at this address.", "Start at /3/")
    )


unknown_path.csrf_exempt = True  # type: ignore[attr-defined]


def well_known(request: HttpRequest) -> HttpResponse:
    """Where clients that know only the name of the server begin (RFC 8615)."""
    return HttpResponse(status=307, headers={"Location": links_of(request).root()})


well_known.csrf_exempt = True  # type: ignore[attr-defined]
