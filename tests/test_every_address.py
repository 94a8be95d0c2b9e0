"""Every address of the service, found by walking through the paths: none fails, and each guards what it answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import get_converters

from tests.support.factories import PASSWORD, basic, new_client, new_collection, new_deposit

pytestmark = pytest.mark.django_db

SAMPLES = {
    "int": "1",
    "str": "hal",
    "slug": "hal",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "path": "a/b",
}
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def addresses(patterns: list[Any], before: str = "/") -> Iterator[str]:
    """One address for each path, with something for its parameters; regular expressions are tried as words."""
    for pattern in patterns:
        path = before + written(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path


def written(pattern: Any) -> str:
    """The route with samples for its parameters."""
    route = getattr(pattern, "_route", None)
    if route is None:
        return simplified(pattern.regex)
    for name, converter in pattern.converters.items():
        kind = next((kind for kind, known in get_converters().items() if known is converter), "str")
        for form in (f"<{kind}:{name}>", f"<{name}>"):
            route = route.replace(form, SAMPLES.get(kind, "hal"))
    return str(route)


def simplified(regex: Any) -> str:
    """Something that a simple expression matches: each group is a 1."""
    text, depth = "", 0
    for letter in regex.pattern.strip("^$"):
        depth += (letter == "(") - (letter == ")")
        text += "1" if letter == ")" and depth == 0 else letter if depth == 0 else ""
    return text.replace("\\.", ".").replace("\\Z", "").replace("\\", "").replace("/?", "/").rstrip("$")


ALL = sorted(set(addresses(get_resolver().url_patterns)))


def assert_guarded(answer: Any, what: str) -> None:
    policy = answer["Content-Security-Policy"]
    # To say "not ready" is what that address is for.
    assert answer.status_code < 500 or " /readyz " in what, what
    assert answer["X-Content-Type-Options"] == "nosniff", what
    assert answer["X-Frame-Options"] == "DENY", what
    assert "default-src 'none'" in policy, what
    assert "frame-ancestors 'none'" in policy or "sandbox" in policy, what
    assert "unsafe" not in policy, what
    assert answer["Referrer-Policy"] == "same-origin", what


def test_there_are_as_many_addresses_as_one_would_think() -> None:
    assert len(ALL) > 100
    assert {"/", "/1/hal/", "/3/", "/admin/login/", "/metrics", "/api/deposits/"} <= set(ALL)


@pytest.mark.parametrize("who", ["nobody", "a depositor", "an administrator"])
def test_every_address_answers_every_method_and_guards_its_answer(who: str) -> None:
    depositor = new_client(new_collection("hal"))
    new_deposit(depositor, depositor.collections.get())
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    browser = Browser(raise_request_exception=False)
    name = {"a depositor": depositor.user.get_username(), "an administrator": "root"}.get(who)
    if name:
        browser.login(username=name, password=PASSWORD)
        browser.defaults["HTTP_AUTHORIZATION"] = basic(name)
    for path in ALL:
        for method in METHODS:
            if "logout" in path and method == "post":
                continue
            assert_guarded(getattr(browser, method)(path), f"{method} {path} by {who}")


@pytest.mark.parametrize("name", ["Token", "token", "access_token", "password", "Authorization"])
def test_no_secret_is_taken_from_an_address(name: str) -> None:
    depositor = new_client(new_collection("hal"))
    word = basic(depositor.user.get_username())
    for path in ("/1/servicedocument/", "/3/", "/api/deposits/"):
        assert Browser().get(path, {name: word}).status_code == 401


def test_forms_of_other_sites_are_refused_everywhere() -> None:
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    browser = Browser(enforce_csrf_checks=True)
    browser.login(username="root", password=PASSWORD)
    paths = [
        path
        for path in ALL
        if path.startswith(("/admin/", "/account/", "/deposits/action/", "/api/deposits/1/"))
    ]
    paths += [reverse("dashboard:upload"), reverse("dashboard:logout"), reverse("dashboard:login")]
    let_in = {}
    for path in paths:
        answer = browser.post(path, {"x": "1"}, headers={"origin": "https://evil.example"})
        if answer.status_code not in (301, 403, 404, 405):
            let_in[path] = answer.status_code
    assert let_in == {}


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "\thttps://evil.example"]
)
def test_nothing_that_takes_an_address_leads_elsewhere(target: str) -> None:
    person = new_client(new_collection("hal")).user
    browser = Browser()
    browser.force_login(person)
    for path in (
        "/login/",
        "/logout/",
        "/i18n/setlang/",
        "/identity/log-in/",
        "/identity/logged-in/",
        "/admin/login/",
    ):
        for send in (browser.get, browser.post):
            answer = send(path, {"next": target, "language": "fr", "state": target, "code": "x"})
            assert "evil" not in answer.get("Location", ""), path
