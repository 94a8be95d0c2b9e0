"""``/archive/``: what the archive holds, streamed to those who may read it; and deposits as they were sent."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archive.errors import ArchiveError, NotFound
from archive.identifiers import SWHID, ObjectType, origin_id
from archive.models import Origin
from archive.objects import Alias
from archive.places import find
from archive.retrieval import release, resolve, snapshot, visits
from archive.zip import stream_zip
from deposit import selectors
from deposit.actors import Actor, AnonymousActor, Channel, become
from deposit.archive_permissions import (
    archived_deposits,
    hidden,
    require_in_scope,
    require_readable,
    same_time,
    unknown,
)
from deposit.archived import bags
from deposit.archived.errors import unreadable
from deposit.archived.negotiation import TYPES, form_of
from deposit.archived.objects import FOLDERS, content_response, folder_response, streamed
from deposit.authentication.addresses import client_address
from deposit.http.api_authentication import ApiAuthenticator
from deposit.http.downloads import file_response, guarded, zip_response
from deposit.http.negotiation import AnyNegotiation
from deposit.http.problems import handle
from deposit.http.sound_request import SENT_PATH
from deposit.lists.layers import layers_of
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Identifier
from deposit.permissions import Operation, deposit_to
from deposit.refusals import Kind, Refusal

# An origin that was deposited more often tells its newest visits.
_VISITS = 1000


class ArchiveAuthenticator(ApiAuthenticator):
    """The same credentials as for the API."""

    channel = Channel.ARCHIVE


class OpenAuthenticator(ArchiveAuthenticator):
    """Who shows no credentials comes in as anybody, to read what is public."""

    def authenticate(self, request: Request) -> tuple[User, Actor]:
        """The user and actor of a request. Raises `Refusal` for credentials that are no good."""
        if "HTTP_AUTHORIZATION" in request.META or request._request.user.is_authenticated:
            return super().authenticate(request)
        actor = AnonymousActor(channel=self.channel, address=client_address(request.META))
        become(actor)
        return cast(User, AnonymousUser()), actor


class AccessView(APIView):
    """What all addresses share: who asks, and problems as documents."""

    authentication_classes = [ArchiveAuthenticator]
    permission_classes = []
    content_negotiation_class = AnyNegotiation

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return cast(Actor, self.request.auth)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Problems, not DRF's own documents; what the archive lacks or cannot read now is told as such."""
        return _handle

    def head(self, request: Request, *args: Any, **path: Any) -> HttpResponseBase:
        """The same headers as for GET; no bytes are read for it."""
        return cast(HttpResponseBase, self.get(request, *args, **path))  # type: ignore[attr-defined]


def _handle(exception: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exception, NotFound):
        exception = unknown("such object")
    elif isinstance(exception, ArchiveError):
        exception = unreadable(exception)
    return handle(exception, context)


class ObjectView(AccessView):
    """One archived object, or what lies at a path below an archived directory."""

    authentication_classes = [OpenAuthenticator]

    def get(self, request: Request, swhid: str, path: str = "") -> HttpResponseBase:
        """A content's bytes, a directory as tar, tar.gz or zip, all others as JSON."""
        wanted = _parse(swhid)
        if wanted.type is ObjectType.ORIGIN:
            with same_time():
                return _origin(self.actor, wanted)
        require_readable(self.actor, wanted)
        name: str | bytes = swhid.replace(":", "_")
        if path.strip("/"):
            below = _sent_path(request, swhid, path)
            wanted, name = _resolve(wanted, below), below.rpartition(b"/")[2]
        raw = name.encode() if isinstance(name, str) else name
        if wanted.type is ObjectType.CONTENT:
            return _content(request, wanted, raw)
        if wanted.type is ObjectType.DIRECTORY:
            form = form_of(request, *FOLDERS)
            return folder_response(cast(HttpRequest, request), wanted, raw, form)
        return _json(_release(wanted) if wanted.type is ObjectType.RELEASE else _snapshot(wanted))


class OriginView(AccessView):
    """What was deposited for an origin."""

    authentication_classes = [OpenAuthenticator]

    def get(self, request: Request) -> HttpResponseBase:
        """The origin with this ``url`` and its visits."""
        url = request.query_params.get("url", "")
        if not url:
            raise Refusal(
                Kind.BAD_REQUEST,
                "archive.url",
                "Query parameter 'url' is missing.",
                "Add ?url= and the URL of the origin, percent-encoded.",
            )
        with same_time():
            return _origin(self.actor, SWHID(ObjectType.ORIGIN, origin_id(url)))


class _OfDeposit(AccessView):
    def deposit(self, deposit_id: int) -> Deposit:
        """A deposit whose content the caller may read. Raises `Refusal`."""
        require_in_scope(self.actor, Operation.READ_CONTENT)
        return deposit_to(self.actor, Operation.READ_CONTENT, deposit_id)


class SentView(_OfDeposit):
    """A deposit as it was sent."""

    def get(self, request: Request, deposit_id: int) -> HttpResponseBase:
        """Its package under the name it came with; several packages in one zip."""
        deposit = self.deposit(deposit_id)
        parts = selectors.packages_of(deposit)
        if not parts:
            raise Refusal(
                Kind.NOT_FOUND,
                "deposit.no_package",
                f"Deposit {deposit.pk} has no package.",
                "Its metadata documents are in its bag.",
            )
        return file_response(request, parts[0]) if len(parts) == 1 else zip_response(deposit, parts)


class WholeView(_OfDeposit):
    """A version of a package whole: what a shallow update does not have comes from the versions before it."""

    def get(self, request: Request, deposit_id: int) -> HttpResponseBase:
        """A zip of the directories, laid over each other."""
        deposit = self.deposit(deposit_id)
        layers = [one.hash for one in layers_of(deposit)]
        if not layers:
            raise Refusal(
                Kind.NOT_FOUND,
                "archive.not_here",
                f"Deposit {deposit.pk} is not in this archive.",
                "Its package, as it was sent, is at the address that ends with sent/.",
            )
        chunks = stream_zip(layers[0], below=layers[1:])
        response = streamed(cast(HttpRequest, request), chunks, TYPES["zip"])
        return guarded(response, f"{(deposit.external_id or 'package').replace('/', '_')}.zip")


class BagView(_OfDeposit):
    """A deposit as a BagIt bag."""

    def get(self, request: Request, deposit_id: int) -> HttpResponseBase:
        """The bag as zip or tar."""
        deposit = self.deposit(deposit_id)
        form = form_of(request, "zip", "tar")
        members = bags.bag(deposit)
        length, chunks = bags.as_zip(members) if form == "zip" else bags.as_tar(members)
        response = streamed(cast(HttpRequest, request), chunks, TYPES[form])
        response["Content-Length"] = str(length)
        response["Packaging"] = Packaging.BAGIT
        return guarded(response, f"deposit-{deposit.pk}.{form}")


def _parse(text: str) -> SWHID:
    try:
        return SWHID.parse(text)
    except ValueError as error:
        raise Refusal(
            Kind.BAD_REQUEST, "archive.swhid", f"{text[:100]} is not a SWHID.", "Write swh:1:dir:... in full."
        ) from error


def _sent_path(request: Request, swhid: str, path: str) -> bytes:
    """The bytes after the identifier, decoded once; the request keeps them from before Django reads them."""
    sent: str | None = request.META.get(SENT_PATH)
    if sent is None:
        return path.encode().strip(b"/")
    return sent.encode("iso-8859-1").partition(f"{swhid}/".encode())[2].strip(b"/")


def _resolve(wanted: SWHID, path: bytes) -> SWHID:
    if wanted.type is not ObjectType.DIRECTORY:
        raise Refusal(
            Kind.BAD_REQUEST, "archive.not_a_folder", f"{wanted} is no directory.", "Leave the path away."
        )
    try:
        return resolve(wanted.hash, path).swhid
    except NotFound:
        raise unknown(f"{path[:200].decode(errors='backslashreplace')} in {wanted}") from None


def _content(request: Request, wanted: SWHID, name: bytes) -> HttpResponseBase:
    place = find(wanted)
    if place is None:
        raise unknown(str(wanted))
    return content_response(cast(HttpRequest, request), wanted, name, length=place.row.length)


def _json(fields: dict[str, object]) -> HttpResponseBase:
    response = JsonResponse(fields)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _origin(actor: Actor, wanted: SWHID) -> HttpResponseBase:
    """An origin with those visits whose deposits the actor may read; without any there is no such origin."""
    require_in_scope(actor)
    origin = Origin.objects.filter(sha1=wanted.hash).first()
    mine = archived_deposits(actor).filter(origin_url=origin.url) if origin else Deposit.objects.none()
    newest = mine.order_by("-id")[:_VISITS]
    snapshots = set(newest.values_list("snapshot_swhid", flat=True)) | set(
        Identifier.objects.filter(deposit__in=list(newest), scheme="swhid-snapshot").values_list(
            "value", flat=True
        )
    )
    if origin is None or not snapshots:
        raise hidden(actor, str(wanted))
    seen = [(visit, str(SWHID(ObjectType.SNAPSHOT, bytes(visit.snapshot)))) for visit in visits(origin.url)]
    told = [
        {"date": visit.date.isoformat(), "type": visit.type, "snapshot": name}
        for visit, name in seen
        if name in snapshots
    ]
    return _json({"url": origin.url, "swhid": str(wanted), "visits": told})


def _release(wanted: SWHID) -> dict[str, object]:
    found = release(wanted.hash)
    return {
        "name": found.name.decode(errors="replace"),
        "target": str(found.target),
        "message": None if found.message is None else found.message.decode(errors="replace"),
        "author": None if found.author is None else found.author.decode(errors="replace"),
        "date": None if found.date is None else bytes(found.date).decode(),
    }


def _snapshot(wanted: SWHID) -> dict[str, object]:
    branches: dict[str, object] = {}
    for name, target in snapshot(wanted.hash).branches.items():
        if isinstance(target, Alias):
            branches[name.decode(errors="replace")] = {"alias": target.branch.decode(errors="replace")}
        else:
            branches[name.decode(errors="replace")] = None if target is None else str(target)
    return {"branches": branches}
