"""Atom feeds of what is done or withdrawn: of a collection, for whom it is visible, and of one's own deposits.

Newest change first. Pages are linked as RFC 5005 section 3 has it; ``before`` and ``after`` say where a page begins or
ends, so that nothing is missed or told twice while deposits come in. Conditional requests (RFC 9110 section 13) cost no
document.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed
from django.utils.http import http_date
from rest_framework.request import Request

from deposit.actors import Actor, AnonymousActor
from deposit.archived.views import AccessView, ArchiveAuthenticator, OpenAuthenticator
from deposit.models import Collection, Deposit, Identifier, Status, is_withdrawn
from deposit.permissions import Operation, client_of, deposits_for, visible_collections
from deposit.refusals import Kind, Refusal
from deposit.selectors import unknown_collection

PAGE_SIZE = 50
# A reader of a public feed, or a cache on its way, need not ask more often. In seconds.
FRESH_SECONDS = 60
_TOLD = (Status.DONE.value, "withdrawn")
_CURSOR = re.compile(r"(\d{1,17})-(\d{1,18})")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PagedFeed(Atom1Feed):
    """Atom with the links of a page."""

    mime_type = "application/atom+xml; charset=utf-8"

    def add_root_elements(self, handler: Any) -> None:
        """``first``, ``previous`` and ``next`` (RFC 5005 section 3)."""
        super().add_root_elements(handler)
        for relation in ("first", "previous", "next"):
            if self.feed[relation]:
                handler.addQuickElement("link", "", {"rel": relation, "href": self.feed[relation]})


class FeedView(AccessView):
    """What both feeds share."""

    authentication_classes = [OpenAuthenticator]

    def answer(
        self, request: Request, deposits: QuerySet[Deposit], title: str, *, public: bool
    ) -> HttpResponseBase:
        """The page of a feed that the query string asks for, or 304."""
        found = deposits.filter(status__in=_TOLD).select_related("collection", "client__user", "withdrawal")
        rows, shown, more = _page(found, request)
        plain = request._request
        tag, modified = _validators(plain, title, rows)
        response = get_conditional_response(plain, tag, modified)
        if response is None:
            response = HttpResponse(
                _document(plain, title, shown, more=more), content_type=PagedFeed.mime_type
            )
        response["ETag"] = tag
        if modified is not None:
            response["Last-Modified"] = http_date(modified)
        response["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if public else "private, no-cache"
        response["Vary"] = "Authorization, Cookie"
        return cast(HttpResponseBase, response)


class CollectionFeed(FeedView):
    """Of a collection: everybody's where it is public, else what the caller may read of it."""

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Its feed; 404 for what is not there for the caller."""
        collection = _collection(self.actor, name)
        deposits = deposits_for(self.actor, Operation.READ_ARCHIVED, withdrawn=True).filter(
            collection=collection
        )
        anonymous = isinstance(self.actor, AnonymousActor)
        return self.answer(request, deposits, collection.title or collection.name, public=anonymous)


class OwnFeed(FeedView):
    """Of the caller's own deposits, in all collections."""

    authentication_classes = [ArchiveAuthenticator]

    def get(self, request: Request) -> HttpResponseBase:
        """Its feed."""
        client = client_of(self.actor)
        deposits = deposits_for(self.actor, Operation.READ, withdrawn=True).filter(client=client)
        return self.answer(request, deposits, str(client), public=False)


def _collection(actor: Actor, name: str) -> Collection:
    seen = Q(public=True) | Q(pk__in=visible_collections(actor).values("pk"))
    found = Collection.objects.filter(seen, name=name).first()
    if found is None:
        raise unknown_collection(name)
    return found


def _page(deposits: QuerySet[Deposit], request: Request) -> tuple[list[Deposit], list[Deposit], bool]:
    """The rows that a page is made from, those that it shows, and whether older ones follow."""
    newer = request.query_params.get("after", "")
    if newer:
        moment, pk = _read(newer)
        later = Q(status_changed_at__gt=moment) | Q(status_changed_at=moment, pk__gt=pk)
        rows = list(deposits.filter(later).order_by("status_changed_at", "id")[:PAGE_SIZE])[::-1]
        # The page that leads here is older than all of them.
        return rows, rows, bool(rows)
    older = request.query_params.get("before", "")
    if older:
        moment, pk = _read(older)
        deposits = deposits.filter(Q(status_changed_at__lt=moment) | Q(status_changed_at=moment, pk__lt=pk))
    rows = list(deposits.order_by("-status_changed_at", "-id")[: PAGE_SIZE + 1])
    return rows, rows[:PAGE_SIZE], len(rows) > PAGE_SIZE


def _read(text: str) -> tuple[datetime, int]:
    cursor = _CURSOR.fullmatch(text)
    moment = (
        _EPOCH + timedelta(microseconds=int(cursor[1])) if cursor and int(cursor[1]) < 10**17 // 2 else None
    )
    if cursor is None or moment is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "feed.page",
            "There is no such page.",
            "Follow the links of the feed's first page.",
        )
    return moment, min(int(cursor[2]), 2**63 - 1)


def _validators(request: HttpRequest, title: str, rows: Sequence[Deposit]) -> tuple[str, int | None]:
    """The ETag of a page, and when the newest of it changed, in seconds since 1970."""
    told = [request.get_full_path(), request.get_host(), title]
    told += [f"{one.pk}.{one.revision}.{one.status}" for one in rows]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
    return f'"{digest}"', max((int(one.status_changed_at.timestamp()) for one in rows), default=None)


def _document(request: HttpRequest, title: str, shown: Sequence[Deposit], *, more: bool) -> bytes:
    here = request.build_absolute_uri(request.path)
    last = shown[-1] if more else None
    first = shown[0] if shown and {"before", "after"} & request.GET.keys() else None
    feed = PagedFeed(
        title=_text(title),
        link=request.build_absolute_uri("/"),
        description="",
        feed_url=request.build_absolute_uri(),
        feed_guid=here,
        first=here,
        previous=f"{here}?after={_cursor(first)}" if first else "",
        next=f"{here}?before={_cursor(last)}" if last else "",
    )
    identifiers = _identifiers(shown)
    for deposit in shown:
        page = request.build_absolute_uri(reverse("dashboard:deposit", args=[deposit.pk]))
        gone = is_withdrawn(deposit)
        lines = [f"{scheme}: {value}" for scheme, value in identifiers.get(deposit.pk, [])]
        feed.add_item(
            title=_text(deposit.title or deposit.package_name or f"Deposit {deposit.pk}"),
            link=page,
            description=_text(f"Withdrawn: {deposit.withdrawal.reason}" if gone else "\n".join(lines)),
            unique_id=page,
            author_name=_text(deposit.client.user.get_username()),
            pubdate=deposit.complete_date,
            updateddate=deposit.status_changed_at,
            categories=["withdrawn" if gone else deposit.status, deposit.collection.name],
        )
    return feed.writeString("utf-8").encode()


def _cursor(deposit: Deposit) -> str:
    return f"{(deposit.status_changed_at - _EPOCH) // timedelta(microseconds=1)}-{deposit.pk}"


def _identifiers(deposits: Sequence[Deposit]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    rows = Identifier.objects.filter(deposit__in=[one.pk for one in deposits]).order_by("id")
    by_id = {one.pk: one for one in deposits}
    for row in rows:
        row.deposit = by_id[row.deposit_id]
        if not row.is_superseded:
            found.setdefault(row.deposit_id, []).append((row.scheme, row.value))
    return found


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("", text)
