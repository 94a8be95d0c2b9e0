"""How much of a header is parsed. Asked before anything else reads it.

Python's parser of parameters, which Django and others use, takes a time that grows with the square of their number, and
a list of media types costs its readers some work for each. Both are known to nobody who has asked: a request pays for
them before it is known who sends it. What any client has a use for is far below these bounds.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from deposit.refusals import Kind, Refusal

# Parameters of one value: `attachment; filename=...; filename*=...` has two.
MOST_PARAMETERS = 32
# Members of a list: media types, entity tags, digests, addresses of proxies.
MOST_MEMBERS = 64
# Characters. A disposition holds a file name of up to 1,024 letters, each of up to nine when it is percent-encoded.
_LONGEST: Mapping[str, int] = {"CONTENT_TYPE": 1024, "HTTP_ACCEPT": 4096}
_OF_PARAMETERS = frozenset({"CONTENT_TYPE", "HTTP_CONTENT_DISPOSITION"})
_OF_MEMBERS = frozenset(
    {
        "HTTP_ACCEPT",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_CONTENT_DIGEST",
        "HTTP_DIGEST",
        "HTTP_FORWARDED",
        "HTTP_IF_MATCH",
        "HTTP_IF_NONE_MATCH",
        "HTTP_REPR_DIGEST",
        "HTTP_X_FORWARDED_FOR",
    }
)
# Values that are a date, a token or a number: nobody has a use for a long one.
_SHORT = 200
_OF_A_WORD = frozenset(
    {
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_RANGE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_IN_PROGRESS",
        "HTTP_RANGE",
        "HTTP_X_FORWARDED_PROTO",
    }
)
_COOKIES = 100


def has_many_parameters(value: str) -> bool:
    """Whether a value has more parameters than are parsed."""
    return value.count(";") > MOST_PARAMETERS


def unreadable(environ: Mapping[str, Any]) -> list[str]:
    """The headers of a request (WSGI names) whose values are too long for what they are."""
    return [name for name in _WATCHED if _is_too_long(name, str(environ.get(name, "")))]


def blank_unreadable(environ: MutableMapping[str, Any]) -> Refusal | None:
    """Take out of a request what must not be parsed; the `Refusal` that it then gets, None for a sound request."""
    names = unreadable(environ)
    for name in names:
        environ[name] = ""
    return too_long(names[0]) if names else None


def too_long(name: str) -> Refusal:
    """The answer to a request with such a header."""
    header = name.removeprefix("HTTP_").replace("_", "-").title()
    return Refusal(
        Kind.BAD_REQUEST,
        "header.too_long",
        f"The {header} header is too long, or has too many parts.",
        "Send what the request needs and no more.",
    )


def _is_too_long(name: str, value: str) -> bool:
    if len(value) > _LONGEST.get(name, _SHORT if name in _OF_A_WORD else len(value)):
        return True
    if name in _OF_PARAMETERS:
        return has_many_parameters(value)
    if name in _OF_MEMBERS:
        return value.count(",") > MOST_MEMBERS
    return name == "HTTP_COOKIE" and (value.count(";") > _COOKIES or value.count("\\") > _COOKIES)


_WATCHED = (*_OF_PARAMETERS, *sorted(_OF_MEMBERS | _OF_A_WORD), "HTTP_COOKIE")
