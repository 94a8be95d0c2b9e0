"""A query that is worded once gives what the queryset gives."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from deposit.models import Client, Collection, Deposit
from deposit.models.compiled import Compiled
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import depositor, sent

pytestmark = pytest.mark.django_db


def test_rows_are_whole_and_what_is_related_comes_with_them() -> None:
    client = new_client(new_collection("hal"), username="hal")
    User.objects.create_user("nobody")
    by_name = Compiled(lambda name: User.objects.select_related("client").filter(username=name), "sample")
    found = by_name.first("hal")
    assert found is not None
    with CaptureQueriesContext(connection) as asked:
        assert (found.client, found.client.user, found.client.provider_url) == (
            client,
            found,
            client.provider_url,
        )
    assert len(asked) == 0
    assert found.date_joined == User.objects.get(username="hal").date_joined
    alone = by_name.first("nobody")
    assert alone is not None
    assert not hasattr(alone, "client")
    assert by_name.first("unknown") is None


def test_fields_are_read_by_their_types_and_annotations_are_there() -> None:
    client, collection = depositor()
    deposit = sent(who=(client, collection))
    query = Compiled(
        lambda number, name: (
            Deposit.objects.select_related("collection")
            .annotate(pieces=Count("parts"))
            .filter(pk=number, collection__name=name)
        ),
        2_000_000_011,
        "sample",
    )
    [found] = query.all(deposit.pk, collection.name)
    expected = Deposit.objects.get(pk=deposit.pk)
    names = [field.attname for field in Deposit._meta.concrete_fields]
    assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]
    assert found.collection.destinations == collection.destinations
    assert found.pieces == 2  # type: ignore[attr-defined]
    assert query.all(deposit.pk, "another") == []


def test_the_order_of_a_queryset_stays() -> None:
    collection = new_collection("hal")
    clients = [new_client(collection, username=f"user-{n}") for n in range(3)]
    newest = Compiled(lambda name: Client.objects.filter(collections__name=name).order_by("-id"), "sample")
    assert newest.all("hal") == clients[::-1]


def test_a_value_that_the_statement_does_not_hold_is_an_error() -> None:
    query = Compiled(lambda name, other: Collection.objects.filter(name=name), "sample", "unused")
    with pytest.raises(ValueError, match="does not stand"):
        query.first("a", "b")
