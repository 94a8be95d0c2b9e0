"""Idempotency-Key: a request that comes twice is done once; and packages that come twice."""

import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from deposit.models import Client, Collection, Deposit, Duplicates, IdempotencyKey, Part
from deposit.refusals import Refusal
from deposit.services.idempotency import Answer, fingerprint, forget_old, once, read_key
from tests.deposit.sword.test_views import field, post_zip, staged_files
from tests.support.factories import http_client, new_client
from tests.support.samples import atom_entry, make_zip

PACKAGE = make_zip({"a.txt": b"a"})


def test_a_retry_gets_the_same_answer_and_makes_no_deposit(http: HttpClient) -> None:
    first = post_zip(http, PACKAGE, **{"Idempotency-Key": "one"})
    files = staged_files()
    again = post_zip(http, PACKAGE, **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert Deposit.objects.count() == 1
    assert staged_files() == files


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (make_zip({"b.txt": b"b"}), {}),
        (PACKAGE, {"In-Progress": "true"}),
        (PACKAGE, {"Slug": "another"}),
        (PACKAGE, {"Content-Disposition": "attachment; filename=other.zip"}),
    ],
)
def test_the_same_key_on_another_request_is_refused(
    http: HttpClient, data: bytes, headers: dict[str, str]
) -> None:
    post_zip(http, PACKAGE, **{"Idempotency-Key": "one"})
    files = staged_files()
    response = post_zip(http, data, **{"Idempotency-Key": "one", **headers})
    assert response.status_code == 422
    assert Deposit.objects.count() == 1
    assert staged_files() == files


def test_keys_are_each_clients_own(http: HttpClient, collection: Collection) -> None:
    post_zip(http, PACKAGE, **{"Idempotency-Key": "one"})
    other = http_client(new_client(collection))
    assert "Idempotency-Replayed" not in post_zip(other, PACKAGE, **{"Idempotency-Key": "one"})
    assert Deposit.objects.count() == 2


def test_a_refused_request_leaves_its_key_free(http: HttpClient) -> None:
    refused = post_zip(http, PACKAGE, **{"Idempotency-Key": "one", "Content-MD5": "0" * 32})
    assert refused.status_code == 412
    assert IdempotencyKey.objects.count() == 0
    assert post_zip(http, PACKAGE, **{"Idempotency-Key": "one"}).status_code == 201


def test_completing_twice_with_one_key_is_one_completion(http: HttpClient) -> None:
    post_zip(http, PACKAGE, **{"In-Progress": "true"})
    deposit = Deposit.objects.get()
    address = f"/1/hal/{deposit.pk}/metadata/"
    headers = {"In-Progress": "false", "Idempotency-Key": "done"}
    answers = [http.post(address, b"", content_type="text/plain", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {field(answer, "deposit_status") for answer in answers} == {"deposited"}


def test_adding_twice_with_one_key_adds_once(http: HttpClient) -> None:
    post_zip(http, PACKAGE, **{"In-Progress": "true"})
    deposit = Deposit.objects.get()
    for _ in range(2):
        http.post(
            f"/1/hal/{deposit.pk}/metadata/",
            atom_entry(),
            content_type="application/atom+xml;type=entry",
            headers={"In-Progress": "true", "Idempotency-Key": "entry"},
        )
    assert Part.objects.filter(kind="metadata").count() == 1


def test_a_retry_that_knows_the_state_before_gets_its_answer_and_a_new_request_is_refused(
    http: HttpClient,
) -> None:
    first = post_zip(http, PACKAGE, **{"In-Progress": "true"})
    address = f"/1/hal/{Deposit.objects.get().pk}/metadata/"
    known = {"In-Progress": "true", "If-Match": first["ETag"]}

    def add(key: str) -> tuple[int, str]:
        headers = {**known, "Idempotency-Key": key}
        answer = http.post(
            address, atom_entry(), content_type="application/atom+xml;type=entry", headers=headers
        )
        return answer.status_code, answer.get("Idempotency-Replayed", "")

    assert [add("one"), add("one"), add("two")] == [(201, ""), (201, "true"), (412, "")]
    assert Part.objects.filter(kind="metadata").count() == 1


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9", '""'])
def test_a_key_that_cannot_be_kept_is_refused(http: HttpClient, key: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_key(key)
    assert refused.value.code == "idempotency.key"


def test_a_key_may_stand_in_quotes() -> None:
    assert (read_key('"a b"'), read_key("a b"), read_key(" ")) == ("a b", "a b", None)


def test_fingerprints_keep_their_pieces_apart() -> None:
    told = [fingerprint("a", "b"), fingerprint("ab"), fingerprint("a", "b", None), fingerprint("a", "b", "")]
    assert len(set(told)) == 4


@pytest.mark.django_db(transaction=True)
def test_two_hundred_retries_at_once_make_one_deposit(depositor: Client) -> None:
    statuses: list[int] = []

    def send() -> None:
        try:
            for _ in range(10):
                response = post_zip(http_client(depositor), PACKAGE, **{"Idempotency-Key": "one"})
                statuses.append(response.status_code)
        finally:
            connection.close()

    post_zip(
        http_client(depositor), make_zip({"z": b"z"})
    )  # the password is confirmed once, not by each thread
    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 200
    assert Deposit.objects.count() == 2
    kept = {Path(settings.STAGING_ROOT) / (part.stored_as or "") for part in Part.objects.all()}
    assert kept <= set(staged_files())


@pytest.mark.django_db(transaction=True)
def test_a_request_that_dies_leaves_its_key_to_the_retry(depositor: Client) -> None:
    class Died(BaseException):
        pass

    def die() -> Answer:
        Deposit.objects.create(client=depositor, collection=depositor.collections.get())
        raise Died

    with pytest.raises(Died):
        once(user=depositor.user, key="one", fingerprint="0" * 64, perform=die)
    assert (Deposit.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    outcome = once(user=depositor.user, key="one", fingerprint="0" * 64, perform=lambda: Answer(200, b"done"))
    assert (outcome.answer.body, outcome.replayed) == (b"done", False)


def test_old_answers_are_forgotten(depositor: Client) -> None:
    once(user=depositor.user, key="one", fingerprint="0" * 64, perform=lambda: Answer(200, b""))
    assert forget_old() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE deposit_idempotencykey SET created_at = now() - interval '8 days'")
    assert forget_old() == 1


def test_a_package_that_comes_again_is_marked(http: HttpClient) -> None:
    for _ in range(2):
        assert post_zip(http, PACKAGE).status_code == 201
    first, second = Part.objects.order_by("id")
    assert (first.duplicate_of_id, second.duplicate_of_id) == (None, first.deposit_id)


def test_a_package_that_comes_again_is_refused_where_the_collection_says_so(
    http: HttpClient, collection: Collection
) -> None:
    Collection.objects.update(duplicates=Duplicates.REFUSE)
    assert post_zip(http, PACKAGE).status_code == 201
    files = staged_files()
    refused = post_zip(http, PACKAGE)
    assert refused.status_code == 400
    assert f"Deposit {Deposit.objects.get().pk} has brought this very package" in refused.content.decode()
    assert staged_files() == files
    assert post_zip(http, make_zip({"b": b"b"})).status_code == 201


def test_a_package_is_no_duplicate_of_anothers_or_of_one_that_failed(
    http: HttpClient, collection: Collection
) -> None:
    Collection.objects.update(duplicates=Duplicates.REFUSE)
    assert post_zip(http_client(new_client(collection)), PACKAGE).status_code == 201
    assert post_zip(http, PACKAGE).status_code == 201
    Deposit.objects.update(status="rejected")
    assert post_zip(http, PACKAGE).status_code == 201


def test_without_a_key_nothing_is_kept(http: HttpClient) -> None:
    post_zip(http, PACKAGE)
    with CaptureQueriesContext(connection) as queries:
        post_zip(http, PACKAGE)
    assert not [query for query in queries if "idempotency" in query["sql"]]
    assert IdempotencyKey.objects.count() == 0
