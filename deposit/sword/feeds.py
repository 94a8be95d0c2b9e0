"""The feed of a deposit's packages (SWORD 2 section 6.4.1): what ``edit-media`` gives to those who ask for Atom."""

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from deposit.sword.documents import FEED_TYPE, atom_date, printable, xml
from deposit.sword.statements import A, OriginalDeposit, W


def media_feed(
    *, iri: str, title: str, author: str, updated: datetime, originals: Sequence[OriginalDeposit]
) -> bytes:
    """One entry per package, each with an edit-media link of its own. ``iri`` is where this feed is served."""
    return xml(
        A(
            "feed",
            A("id", iri),
            A("title", printable(title)),
            A("updated", atom_date(updated)),
            A("author", A("name", printable(author))),
            A("link", rel="self", type=FEED_TYPE, href=iri),
            *map(_entry, originals),
        )
    )


def _entry(original: OriginalDeposit) -> etree._Element:
    entry: etree._Element = A(
        "entry",
        A("id", original.iri),
        A("title", printable(original.name)),
        A("updated", atom_date(original.deposited_on)),
        A("summary", printable(f"Package {original.name}"), type="text"),
        A("content", type=original.media_type, src=original.iri),
        A("link", rel="edit-media", href=original.iri),
        W("packaging", original.packaging),
    )
    return entry
