"""Which origins a client may use, and how a Slug becomes one."""

from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deposit.metadata.errors import MetadataError
from deposit.metadata.origins import MAX_LENGTH, check_origin, decode_slug, origin_from_slug
from deposit.refusals import Kind

PROVIDER = "https://provider.example"


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        (PROVIDER, "https://provider.example/"),
        (PROVIDER, "https://provider.example/a/b?c=d#e"),
        (PROVIDER + "/", "https://provider.example/a"),
        (PROVIDER, "HTTPS://Provider.Example/a"),
        ("HTTPS://PROVIDER.example/", "https://provider.example/a"),
        (PROVIDER, "https://provider.example:443/a"),
        (PROVIDER + ":443", "https://provider.example/a"),
        ("http://localhost:8080/x", "http://localhost:8080/x/a"),
        (PROVIDER, "https://provider.example/a%20b/%C3%A9"),
        (PROVIDER, "https://provider.example/é/…"),
        (PROVIDER, "https://provider.example/a..b/.hidden/..."),
        (PROVIDER, "https://provider.example//a"),
        (PROVIDER + "/team", "https://provider.example/team/a"),
    ],
)
def test_an_origin_below_the_provider_comes_back_unchanged(provider: str, url: str) -> None:
    assert check_origin(url, provider) == url


BAD_ORIGINS = {
    "": "origin.missing",
    "  ": "origin.missing",
    "https://provider.example": "origin.mismatch",
    "http://provider.example/a": "origin.mismatch",
    "https://provider.example.evil.example/a": "origin.mismatch",
    "https://provider.exampleevil/a": "origin.mismatch",
    "https://provider.example@evil.example/a": "origin.mismatch",
    "https://user@provider.example/a": "origin.mismatch",
    "https://user:secret@provider.example/a": "origin.mismatch",
    "https://@provider.example/a": "origin.mismatch",
    "https://provider.example:8443/a": "origin.mismatch",
    "https://provider.example:x/a": "origin.mismatch",
    "https://[::1/a": "origin.mismatch",
    "https:provider.example/a": "origin.mismatch",
    "//provider.example/a": "origin.mismatch",
    "/a": "origin.mismatch",
    "provider.example/a": "origin.mismatch",
    "file:///provider.example/a": "origin.mismatch",
    "https://provider.example?/a": "origin.mismatch",
    "https://provider.example#/a": "origin.mismatch",
    "https://provider.example/../a": "origin.dot_segments",
    "https://provider.example/a/./b": "origin.dot_segments",
    "https://provider.example/a/..": "origin.dot_segments",
    "https://provider.example/a/%2e%2E/b": "origin.dot_segments",
    "https://provider.example/a/.%2e/b": "origin.dot_segments",
    "https://provider.example/a b": "origin.characters",
    " https://provider.example/a": "origin.characters",
    "https://provider.example/a\nb": "origin.characters",
    "https://provider.example/a\tb": "origin.characters",
    "https://provider.example/\x00": "origin.characters",
    "https://provider.example/<a>": "origin.characters",
    'https://provider.example/"a': "origin.characters",
    "https://provider.example\\a": "origin.characters",
    "https://provider.example/a\\..\\b": "origin.characters",
    "https://provider.example/{a}": "origin.characters",
    "https://provider.example/a|b": "origin.characters",
    "https://provider.example/a^b`": "origin.characters",
    "https://provider.example/%zz": "origin.characters",
    "https://provider.example/100%": "origin.characters",
    "https://provider.example/\u202ea": "origin.characters",
    "https://provider.example/\ud800": "origin.characters",
    "https://provider.example/" + "a" * MAX_LENGTH: "origin.length",
}


@pytest.mark.parametrize(("url", "code"), BAD_ORIGINS.items())
def test_a_bad_origin_is_an_error(url: str, code: str) -> None:
    with pytest.raises(MetadataError) as raised:
        check_origin(url, PROVIDER)
    assert raised.value.code == code
    assert raised.value.kind is (Kind.FORBIDDEN if code == "origin.mismatch" else Kind.BAD_REQUEST)


def test_an_origin_beside_the_providers_path_is_outside() -> None:
    with pytest.raises(MetadataError) as raised:
        check_origin("https://provider.example/teams/a", PROVIDER + "/team/")
    assert raised.value.summary == (
        "URL mismatch: https://provider.example/teams/a must start with https://provider.example/team/"
    )


@pytest.mark.parametrize(
    ("header", "slug"),
    [
        ("my-software", "my-software"),
        (" my software ", "my software"),
        ("The%20Beach%20at%20S%C3%A8te", "The Beach at Sète"),
        ("a%2Fb/c", "a/b/c"),
        ("100% sure", "100% sure"),
        ("", ""),
        ("...", "..."),
    ],
)
def test_a_slug_is_percent_decoded_utf8(header: str, slug: str) -> None:
    assert decode_slug(header) == slug


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("%E9", "slug.encoding"),
        ("a%0D%0AX-Header:%20b", "slug.characters"),
        ("a%00b", "slug.characters"),
        ("..", "slug.dot_segments"),
        ("%2e%2e/%2e%2e/etc", "slug.dot_segments"),
        ("a/./b", "slug.dot_segments"),
        ("a\\..\\b", "slug.dot_segments"),
    ],
)
def test_a_bad_slug_is_an_error(header: str, code: str) -> None:
    with pytest.raises(MetadataError) as raised:
        decode_slug(header)
    assert (raised.value.code, raised.value.summary) == (code, "Invalid Slug header")


@pytest.mark.parametrize(
    ("slug", "url"),
    [
        ("my-software", "https://provider.example/my-software"),
        ("my software/é?x#y", "https://provider.example/my%20software/%C3%A9%3Fx%23y"),
        ("100% <sure>", "https://provider.example/100%25%20%3Csure%3E"),
        ("@evil.example", "https://provider.example/@evil.example"),
    ],
)
def test_a_slug_becomes_a_url_below_the_provider(slug: str, url: str) -> None:
    assert origin_from_slug(PROVIDER + "/", slug) == url


@pytest.mark.parametrize("slug", [None, ""])
def test_without_a_slug_the_origin_is_random(slug: str | None) -> None:
    first, second = origin_from_slug(PROVIDER, slug), origin_from_slug(PROVIDER, slug)
    assert first != second
    assert UUID(first.removeprefix(PROVIDER + "/")).version == 4


def test_a_slug_may_not_make_the_origin_too_long() -> None:
    with pytest.raises(MetadataError) as raised:
        origin_from_slug(PROVIDER, "é" * 400)
    assert raised.value.code == "slug.length"


@settings(deadline=None)
@given(st.text())
def test_whatever_slug_is_accepted_gives_an_acceptable_origin(header: str) -> None:
    try:
        origin = origin_from_slug(PROVIDER, decode_slug(header))
    except MetadataError:
        return
    assert check_origin(origin, PROVIDER) == origin


@settings(deadline=None)
@given(st.text(), st.sampled_from(["https://provider.example/", "https://provider.example", ""]))
def test_whatever_origin_is_accepted_is_on_the_providers_host(rest: str, start: str) -> None:
    try:
        url = check_origin(start + rest, PROVIDER)
    except MetadataError:
        return
    assert urlsplit(url).hostname == "provider.example"
