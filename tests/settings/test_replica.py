"""Where reads go: to the primary, unless a standby is there that has all that was confirmed."""

import pytest

from settings.postgres import replica
from settings.postgres.replica import ALIAS, Router, Standby, may_read_from_standby, read_alias

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_standby_all_is_read_from_the_primary() -> None:
    assert Standby().has_caught_up() is False
    assert may_read_from_standby(read_alias)() == "default"


def test_within_a_view_that_may_reads_go_to_the_standby_and_writes_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica.standby, "has_caught_up", lambda: True)
    router = Router()
    assert may_read_from_standby(lambda: (router.db_for_read(None), router.db_for_write(None)))() == (
        ALIAS,
        "default",
    )
    assert (router.db_for_read(None), router.db_for_write(None)) == ("default", "default")
    assert not router.allow_migrate(ALIAS, "deposit")
    assert router.allow_migrate("default", "deposit")
