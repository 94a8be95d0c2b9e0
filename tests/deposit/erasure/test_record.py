"""The history lets go of details where a deposit is erased, and stays append-only otherwise."""

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from deposit.models import Event
from tests.support.erasing import FILES, Institution

pytestmark = pytest.mark.django_db
REFUSED = (InternalError, IntegrityError)


def allowed(deposit: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('deposit.erases', %s, true)", [str(deposit)])


def refused(**values: object) -> bool:
    try:
        with transaction.atomic():
            Event.objects.filter(name="create").update(**values)
    except REFUSED:
        return True
    return False


def test_lines_of_a_deposit_that_is_there_change_for_nobody() -> None:
    deposit = Institution().archived(FILES)
    allowed(deposit.pk)
    assert refused(detail={})
    with pytest.raises(REFUSED), transaction.atomic():
        Event.objects.filter(name="create").delete()


def test_lines_of_an_erased_one_only_lose_details() -> None:
    institution = Institution()
    deposit = institution.archived(FILES)
    institution.erase(deposit)
    assert refused(detail={})  # nobody has said that it is erased just now
    allowed(deposit.pk)
    assert refused(detail={"package": "new"})
    assert refused(actor="somebody else")
    assert refused(detail={}, from_status="done")
    assert not refused(detail={})
    allowed(deposit.pk + 1)
    assert refused(detail={})
    with pytest.raises(REFUSED), transaction.atomic():
        Event.objects.filter(name="create").delete()
