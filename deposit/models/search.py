"""The words a deposit is found by: those of its title, its package's name, its external id and its origin.

PostgreSQL's full text search without a language: words are compared in lower case. The
expression of the index and that of the search are the same object, else the index would not be used.
"""

import re

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.contrib.postgres.search import SearchVectorExact as Matches
from django.db.models import F, Func, Value
from django.db.models.functions import Coalesce

FIELDS = ("title", "package_name", "external_id", "origin_url")

# PostgreSQL's parser would keep a URL, a path or a file name as one word; people look for their pieces.
_PUNCTUATION = "./:_-@?#&=+~"
_MANY = 20


def words() -> Func:
    """The words of a deposit, as a ``tsvector``."""
    return Func(
        *(Coalesce(F(name), Value("")) for name in FIELDS),
        # In the order of the alphabet, as migrations write them: Django compares the order too.
        arg_joiner=" || ' ' || ",
        template=f"to_tsvector('simple'::regconfig, translate(%(expressions)s, '{_PUNCTUATION}', "
        f"'{' ' * len(_PUNCTUATION)}'))",
        output_field=SearchVectorField(),
    )


def matches(text: str) -> Matches | None:
    """A condition: the deposit has each word of ``text``, of the last one its beginning. None without a word.

    Only the last, because PostgreSQL visits every deposit that a beginning fits, however rare the other words are.
    """
    found = re.findall(r"\w+", text.replace("_", " ").lower())[:_MANY]
    if not found:
        return None
    query = " & ".join(found) + ":*"
    return Matches(words(), SearchQuery(query, search_type="raw", config="simple"))


def walked(condition: Matches) -> Matches:
    """The same condition, out of the sight of the index: for rows that are looked at one after the other anyway."""
    seen = Func(
        condition.lhs, template="coalesce(%(expressions)s, ''::tsvector)", output_field=SearchVectorField()
    )
    return Matches(seen, condition.rhs)
