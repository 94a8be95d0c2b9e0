"""Idempotency-Key at SWORD 3: every POST that makes something makes it once."""

from deposit.models import Deposit, Part, Upload
from tests.deposit.sword3.asking import Sword3, error
from tests.support.samples import make_zip

ZIP = make_zip({"a": b"a"})


def test_a_file_that_comes_twice_makes_one_object(sword3: Sword3) -> None:
    answers = [sword3.file("POST", "/3/service/hal/", ZIP, Idempotency_Key="one") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert Deposit.objects.count() == 1


def test_completing_twice_is_one_completion(sword3: Sword3, anobject: str) -> None:
    etag = sword3.file("POST", anobject, ZIP, In_Progress="true")["ETag"]
    headers = {"In_Progress": "false", "Idempotency_Key": "done", "If_Match": etag}
    answers = [sword3.send("POST", anobject, **headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert Deposit.objects.get().status == "deposited"
    assert error(sword3.send("POST", anobject, In_Progress="false")) == (405, "MethodNotAllowed")


def test_a_retry_is_answered_although_the_object_has_changed_since(sword3: Sword3, anobject: str) -> None:
    headers = {"In_Progress": "true", "If_Match": sword3.get(anobject)["ETag"]}
    answers = [sword3.file("POST", anobject, ZIP, Idempotency_Key="one", **headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert error(sword3.file("POST", anobject, ZIP, Idempotency_Key="two", **headers)) == (
        412,
        "ETagNotMatched",
    )
    assert Part.objects.filter(kind="package").count() == 1


def test_an_upload_that_is_begun_twice_is_one_upload(sword3: Sword3) -> None:
    sword3.http.defaults["HTTP_IDEMPOTENCY_KEY"] = "one"
    answers = [sword3.begin(ZIP, 100) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Upload.objects.count() == 1
    assert sword3.begin(ZIP, 50).status_code == 422
