"""Pages of a list: ``page`` and ``page_size`` on the wire, as swh-deposit has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from deposit import selectors
from deposit.actors import Actor
from deposit.lists.numbered import Listed
from deposit.models import Status
from deposit.refusals import Kind, Refusal

DEFAULT_SIZE = 100
LARGEST_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of deposits; ``count`` is that of all pages, ``kept`` what the links repeat of the query."""

    items: list[Listed]
    count: int
    number: int
    size: int
    kept: Mapping[str, str | int]

    @property
    def last(self) -> int:
        """The number of the last page; an empty list has one page."""
        return max(1, -(-self.count // self.size))

    def links(self, base: str) -> str:
        """The Link header (RFC 8288): next, previous, first, last; empty where all is on one page."""
        if self.last == 1:
            return ""
        pages = {"first": 1, "last": self.last}
        if self.number < self.last:
            pages = {"next": self.number + 1, **pages}
        if self.number > 1:
            pages = {"previous": self.number - 1, **pages}
        return ",".join(
            f'<{base}?{urlencode({"page": number, **self.kept})}>; rel="{rel}"'
            for rel, number in pages.items()
        )


def _not_a_page() -> Refusal:
    return Refusal(
        Kind.NOT_FOUND, "list.page", "Invalid page.", "Follow the links in the Link header of the first page."
    )


def page_of(actor: Actor, query_string: str) -> Page:
    """The page that a query string asks for. Raises `Refusal` (404) for one that is not there."""
    query = parse_qs(query_string)
    size_text = query.get("page_size", [""])[0]
    size = int(size_text) if size_text.isascii() and size_text.isdigit() and len(size_text) < 10 else 0
    number = _number(query.get("page", ["1"])[0])
    status = _status(query.get("status", [""])[0])
    shown = min(size, LARGEST_SIZE) if size else DEFAULT_SIZE
    found = selectors.page_of(actor, start=(number - 1) * shown, limit=shown, status=status)
    kept: dict[str, str | int] = {"page_size": shown} if size else {}
    if status is not None:
        kept["status"] = status
    page = Page(items=found.items, count=found.count, number=number, size=shown, kept=kept)
    if number > page.last:
        raise _not_a_page()
    return page


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text)):
        raise _not_a_page()
    return int(text)


def _status(text: str) -> Status | None:
    if text and text not in Status.values:
        raise Refusal(
            Kind.BAD_REQUEST,
            "list.status",
            f"There is no status {text[:50]!r}.",
            f"There are: {', '.join(Status.values)}.",
        )
    return Status(text) if text else None
