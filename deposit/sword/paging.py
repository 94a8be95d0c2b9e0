"""Pages of a list: ``page`` and ``page_size`` on the wire, as swh-deposit has them."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from django.db.models import QuerySet

from deposit.models import Deposit
from deposit.refusals import Kind, Refusal

DEFAULT_SIZE = 100
LARGEST_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of deposits; ``count`` is that of all pages."""

    items: list[Deposit]
    count: int
    number: int
    size: int
    explicit_size: bool

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
        size = {"page_size": self.size} if self.explicit_size else {}
        return ",".join(
            f'<{base}?{urlencode({"page": number, **size})}>; rel="{rel}"' for rel, number in pages.items()
        )


def _not_a_page() -> Refusal:
    return Refusal(
        Kind.NOT_FOUND, "list.page", "Invalid page.", "Follow the links in the Link header of the first page."
    )


def page_of(deposits: QuerySet[Deposit], query_string: str) -> Page:
    """The page that a query string asks for. Raises `Refusal` (404) for one that is not there."""
    query = parse_qs(query_string)
    number_text = query.get("page", ["1"])[0]
    size_text = query.get("page_size", [""])[0]
    size = int(size_text) if size_text.isascii() and size_text.isdigit() and len(size_text) < 10 else 0
    explicit = size > 0
    size = min(size, LARGEST_SIZE) if explicit else DEFAULT_SIZE
    if not (number_text.isascii() and number_text.isdigit() and len(number_text) < 12 and int(number_text)):
        raise _not_a_page()
    number = int(number_text)
    count = deposits.count()
    page = Page(
        items=list(deposits[(number - 1) * size : number * size]),
        count=count,
        number=number,
        size=size,
        explicit_size=explicit,
    )
    if number > page.last:
        raise _not_a_page()
    return page
