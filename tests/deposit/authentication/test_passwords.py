"""HTTP Basic against Django's users."""

import re
import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from deposit.authentication import passwords
from deposit.authentication.credential_cache import CredentialCache
from deposit.authentication.hash_limiter import HashLimiter
from deposit.authentication.passwords import GUESSED_AT, credential_cache
from deposit.authentication.throttle import ACCOUNT, ADDRESS, PAIR
from deposit.models import Client, LoginFailures, Notice
from tests.support.factories import PASSWORD, basic, new_client


def at_once(number: int, happens: Callable[[], object]) -> None:
    """Do it in as many threads, none of which begins before all are there."""
    throttle = threading.Barrier(number)

    def wait_and_go() -> None:
        try:
            throttle.wait()
            happens()
        finally:
            connection.close()

    threads = [threading.Thread(target=wait_and_go) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


STATUS = "/1/servicedocument/"


def ask(
    http: HttpClient, username: str, password: str = PASSWORD, address: str = "192.0.2.1"
) -> tuple[int, str]:
    response = http.get(STATUS, headers={"Authorization": basic(username, password)}, REMOTE_ADDR=address)
    return response.status_code, response.get("Retry-After", "")


def without_time(document: bytes) -> bytes:
    return re.sub(rb"<updated>[^<]*</updated>", b"", document)


def test_a_right_password_opens(client: HttpClient, depositor: Client) -> None:
    assert ask(client, "hal") == (200, "")


def test_every_wrong_guess_is_told_the_same(client: HttpClient, depositor: Client) -> None:
    new_client(username="gone").user.__class__.objects.filter(username="gone").update(is_active=False)
    told = [
        client.get(STATUS, headers={"Authorization": basic(username, password)})
        for username, password in [("hal", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD)]
    ]
    assert [response.status_code for response in told] == [401, 401, 401]
    assert {response["WWW-Authenticate"] for response in told} == {'Basic realm="deposit", charset="UTF-8"'}
    assert len({without_time(response.content) for response in told}) == 1


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic aGFs", "Digest x", "Bearer", "Basic aGFsOgB4", "Bearer dpt_x"]
)
def test_a_header_that_is_no_credential_is_a_401(client: HttpClient, db: None, header: str) -> None:
    assert client.get(STATUS, headers={"Authorization": header}).status_code == 401


def test_a_changed_password_and_a_disabled_user_are_out_at_once(
    client: HttpClient, depositor: Client
) -> None:
    assert ask(client, "hal") == (200, "")
    depositor.user.set_password("another good password")
    depositor.user.save()
    assert ask(client, "hal")[0] == 401
    assert ask(client, "hal", "another good password")[0] == 200
    User.objects.filter(username="hal").update(is_active=False)
    assert ask(client, "hal", "another good password")[0] == 401


def test_a_confirmed_password_costs_one_query(
    client: HttpClient, depositor: Client, django_assert_num_queries: object
) -> None:
    ask(client, "hal")
    # The user with the client; the service document's own two.
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert ask(client, "hal")[0] == 200


def test_guesses_from_one_address_end_before_they_are_hashed(client: HttpClient, depositor: Client) -> None:
    answers = [ask(client, "hal", f"guess {n}")[0] for n in range(int(PAIR.capacity) + 3)]
    assert answers == [401] * int(PAIR.capacity) + [429] * 3
    rows = LoginFailures.objects.count()
    status, retry_after = ask(client, "hal", "one more")
    assert status == 429
    assert 1 <= int(retry_after) <= PAIR.seconds_each
    assert LoginFailures.objects.count() == rows


def test_guesses_from_everywhere_lock_out_neither_the_owners_session_nor_address(
    client: HttpClient, depositor: Client
) -> None:
    assert ask(client, "hal", address="198.51.100.7")[0] == 200
    answers = [
        ask(client, "hal", f"guess {n}", f"203.0.113.{n}")[0] for n in range(int(ACCOUNT.capacity) + 5)
    ]
    assert answers == [401] * int(ACCOUNT.capacity) + [429] * 5
    assert ask(client, "hal", address="203.0.113.250")[0] == 200  # remembered, wherever the client moved
    credential_cache.forget_all()  # another web process, or a restart
    assert ask(client, "hal", address="198.51.100.7")[0] == 200
    credential_cache.forget_all()
    assert ask(client, "hal", address="203.0.113.250")[0] == 429


def test_the_owner_is_told_once_of_many_guesses(client: HttpClient, depositor: Client) -> None:
    for n in range(int(ACCOUNT.capacity) + 5):
        ask(client, "hal", f"guess {n}", f"203.0.113.{n}")
        ask(client, "nobody", f"guess {n}", f"203.0.113.{n}")
    assert [(notice.user.username, notice.code) for notice in Notice.objects.all()] == [("hal", GUESSED_AT)]


def test_one_password_for_many_accounts_ends_too(client: HttpClient, db: None) -> None:
    answers = [ask(client, f"user{n}", "Password1")[0] for n in range(int(ADDRESS.capacity) + 2)]
    assert answers == [401] * int(ADDRESS.capacity) + [429] * 2
    assert ask(client, "another", "Password1", "192.0.2.2")[0] == 401


@pytest.mark.django_db(transaction=True)
def test_a_client_with_many_connections_is_hashed_once_and_never_sent_away(
    depositor: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    depositor.user.set_password(PASSWORD)
    depositor.user.save()
    monkeypatch.setattr(passwords, "hashing", HashLimiter(running=1, waiting=0, seconds=0.1))
    answers: list[int] = []
    at_once(50, lambda: answers.append(ask(HttpClient(), "hal")[0]))
    assert answers == [200] * 50


@pytest.mark.django_db(transaction=True)
def test_one_wrong_password_many_times_at_once_is_wrong_for_all(depositor: Client) -> None:
    answers: list[int] = []
    at_once(20, lambda: answers.append(ask(HttpClient(), "hal", "wrong")[0]))
    assert answers == [401] * 20


def test_a_bucket_leaks(client: HttpClient, depositor: Client) -> None:
    for n in range(int(PAIR.capacity) + 1):
        ask(client, "hal", f"guess {n}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE deposit_loginfailures SET at = at - interval '45 seconds'")
    assert ask(client, "hal", "guess")[0] == 401
    assert ask(client, "hal", "guess")[0] == 429


def test_an_ipv6_client_is_its_whole_network(client: HttpClient, depositor: Client) -> None:
    answers = [ask(client, "hal", f"guess {n}", f"2001:db8::{n}")[0] for n in range(int(PAIR.capacity) + 1)]
    assert answers == [401] * int(PAIR.capacity) + [429]


def test_a_known_password_outlives_its_verdict_only_under_attack() -> None:
    cache = CredentialCache(seconds=0.0, stale_seconds=60.0)
    cache.learn("secret", "hash")
    assert (cache.knows("secret", "hash"), cache.knew("secret", "hash")) == (False, True)
    assert (cache.knew("secret", "other hash"), cache.knew("other", "hash")) == (False, False)


def test_verdicts_are_bounded() -> None:
    cache = CredentialCache(size=2)
    for secret in ("a", "b", "c"):
        cache.learn(secret, "hash")
    assert [cache.knows(secret, "hash") for secret in ("a", "b", "c")] == [False, True, True]
