"""A browser that remembers a password adds it to what other sites make it send: nothing of that is done."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Browser

from deposit.models import Deposit, Status
from tests.support.factories import PASSWORD, basic, new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import in_status
from tests.test_every_address import ALL

pytestmark = pytest.mark.django_db

OWN = "http://testserver"
FOREIGN: dict[str, dict[str, str]] = {
    "a foreign origin": {"origin": "https://evil.example"},
    "an origin that begins like ours": {"origin": f"{OWN}.evil.example"},
    "an origin that hides": {"origin": "null"},
    "an origin that is none": {"origin": "http://["},
    "another port": {"origin": f"{OWN}:8443"},
    "another site": {"sec-fetch-site": "cross-site"},
    "a neighbouring site": {"sec-fetch-site": "same-site"},
    "another site with our origin": {"origin": OWN, "sec-fetch-site": "cross-site"},
}
OURS: dict[str, dict[str, str]] = {
    "a program": {},
    "our origin": {"origin": OWN},
    "our origin by another scheme": {"origin": "https://testserver"},
    "our page": {"origin": OWN, "sec-fetch-site": "same-origin"},
    "the address bar": {"sec-fetch-site": "none"},
    "a trusted site": {"origin": "https://friend.example", "sec-fetch-site": "cross-site"},
}
UNSAFE = ("post", "put", "patch", "delete")


@pytest.fixture
def operator() -> Browser:
    """A browser that adds an administrator's password to whatever is sent."""
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    return Browser(headers={"authorization": basic("root")})


@pytest.fixture(autouse=True)
def _friend(settings: object) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://friend.example"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["a foreign origin", "another site"])
def test_nothing_that_changes_is_taken_from_elsewhere_at_any_address(kind: str, operator: Browser) -> None:
    let_in = {}
    for path in ALL:
        for method in UNSAFE:
            answer = getattr(operator, method)(path, headers=FOREIGN[kind])
            if answer.status_code != 403:
                let_in[path, method] = answer.status_code
    assert let_in == {}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_comes_from_elsewhere_is_told_by_either_header(kind: str, operator: Browser) -> None:
    for path in ("/api/deposits/1/actions/", "/1/hal/", "/3/service/hal", "/login/", "/admin/login/"):
        assert operator.post(path, headers=FOREIGN[kind]).status_code == 403, path


@pytest.mark.parametrize("kind", OURS)
def test_our_own_pages_and_programs_go_on(kind: str, operator: Browser) -> None:
    deposit = in_status(Status.REJECTED)
    answer = operator.post(
        f"/api/deposits/{deposit.pk}/actions/",
        {"action": "recheck"},
        content_type="application/json",
        headers=OURS[kind],
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", FOREIGN)
def test_reading_is_not_refused(kind: str, operator: Browser) -> None:
    for path in ("/api/deposits/", "/healthz", "/", "/api/"):
        assert operator.get(path, headers=FOREIGN[kind]).status_code < 400


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/1/hal/", "application/xml"),
        ("/3/service/hal", "application/json"),
        ("/api/deposits/1/actions/", "application/problem+json"),
        ("/login/", "text/plain; charset=utf-8"),
    ],
)
def test_each_door_says_so_in_its_own_form(path: str, form: str) -> None:
    client = new_client(new_collection("hal"))
    new_deposit(client, client.collections.get())
    browser = Browser(headers={"authorization": basic(client.user.username)})
    answer = browser.post(path, headers=FOREIGN["another site"])
    assert (answer.status_code, answer["Content-Type"]) == (403, form)
    assert b"A page of another site made your browser send this." in answer.content
    assert Deposit.objects.count() == 1
