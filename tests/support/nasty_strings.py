"""Texts that have broken somebody's program: each stands for a kind."""

NASTY = (
    "\x00",
    "a\x00b",
    "%00",
    "%",
    "%ff%fe",
    "%u0000",
    "\ud800",
    "a\udfffb",
    "a\r\nX-Injected: b",
    "\n",
    "\v",
    "\x1b[2K",
    "\x7f\x85\u2028",
    "\u202eevil",
    "\ufeff",
    "\ufffe\uffff",
    "\U0001f4a9" * 40,
    "e\u0301\u212b\ufb03\u0130",
    "'\"`;--",
    "<script>alert(1)</script>&amp;",
    "{{ 7|add:7 }}{% csrf_token %}",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "//",
    "a" * 300,
    "b" * 5000,
    " ",
    "0",
    "-1",
    "9" * 30,
    "1e400",
    "NaN",
    "\u0663\u0662",
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00+14:00",
    "http://[",
    "http://[::1%25a]:x/",
    "http://a:99999999/",
    "https://a.example/\x00\v",
    "javascript:alert(1)",
    "null",
    "[]",
    "swh:1:dir:" + "0" * 40,
    "swh:1:cnt:" + "g" * 40 + ";origin=\x00",
    "cD0lMDA=",
    "bz0tMSZwPSUwMA==",
    "=?utf-8?b?AA==?=",
    "UTF-8''%00%0a",
)

# One of each kind that has ever broken something here; every field takes these, and some of the others in turn.
CORE = (
    "\x00",
    "a\x00b",
    "\ud800",
    "%00",
    "a\r\nX-Injected: b",
    "\v",
    "\ufffe\uffff",
    "b" * 5000,
    "9" * 30,
    "0001-01-01",
    "9999-12-31",
    "http://[",
    "cD0lMDA=",
)
_OTHERS = tuple(text for text in NASTY if text not in CORE)
_EACH = 6
_SOME = 2


def for_field(number: int) -> tuple[str, ...]:
    """What a field takes, by its number: the core, and the others in turn."""
    start = number * _EACH % len(_OTHERS)
    return CORE + (_OTHERS + _OTHERS)[start : start + _EACH]


def some_for_field(number: int) -> tuple[str, ...]:
    """A few of all strings, by the number of the field: as many fields as there are strings take all of them."""
    start = number * _SOME % len(NASTY)
    return (NASTY + NASTY)[start : start + _SOME]
