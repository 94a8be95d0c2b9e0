"""Days in numbers: counted from the history, once when they are over, again while they may change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from deposit.actors import Actor, Channel, system_actor
from deposit.models import AdvisoryLock, Client, Curatorship, DailyStatistics, Deposit, Event
from deposit.monitoring import daily_statistics
from deposit.monitoring.daily_statistics import Span, Tally
from deposit.permissions import visible_statistics
from deposit.services import operations
from tests.dashboard.conftest import sent, worked_on
from tests.support.factories import new_client, new_collection

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()


@pytest.fixture
def client() -> Client:
    return new_client(new_collection("hal"), username="hal")


def happened(deposit: Deposit, days_ago: int) -> None:
    """Move a deposit's history into the past; only the owner of the table can."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deposit_event DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE deposit_event SET at = at - make_interval(days => %s) WHERE deposit_id = %s",
            [days_ago, deposit.pk],
        )
        cursor.execute("ALTER TABLE deposit_event ENABLE TRIGGER USER")


def whole(since: date = TODAY, until: date = TODAY) -> Tally:
    return daily_statistics.whole(DailyStatistics.objects.all(), since=since, until=until)


def test_a_day_is_what_its_events_say(client: Client) -> None:
    done = worked_on(sent(client))
    worked_on(sent(client, files={"../escape": b"x"}, slug="broken"))
    sent(client, slug="waiting")
    sizes = [one.parts.get(kind="package").size for one in Deposit.objects.all()]
    assert daily_statistics.bring_up_to_date()
    counted = whole()
    assert (counted.received, counted.done, counted.rejected, counted.failed) == (3, 1, 1, 0)
    assert (counted.size, counted.largest) == (sum(sizes), max(sizes))
    assert counted.failure_share == 0.5
    assert counted.mean_size == sum(sizes) / 3
    assert done.status == "done"


def test_nothing_ever_happened() -> None:
    assert daily_statistics.bring_up_to_date()
    assert whole() == Tally()


def test_today_is_counted_again_and_a_settled_day_is_not(client: Client) -> None:
    past = worked_on(sent(client))
    happened(past, 3)
    assert daily_statistics.bring_up_to_date()
    settled = DailyStatistics.objects.get()
    sent(client, slug="today")
    assert daily_statistics.bring_up_to_date()
    assert DailyStatistics.objects.get(pk=settled.pk).day == TODAY - timedelta(days=3)
    assert whole().received == 1
    sent(client, slug="another")
    assert daily_statistics.bring_up_to_date()
    assert whole().received == 2
    assert whole(TODAY - timedelta(days=9)).received == 3


def test_years_without_a_deposit_are_leapt_over(client: Client) -> None:
    happened(worked_on(sent(client)), 900)
    sent(client, slug="today")
    assert not daily_statistics.bring_up_to_date(steps=1)
    assert daily_statistics.bring_up_to_date(steps=1)
    assert whole(TODAY - timedelta(days=1000)).received == 2


def test_a_wait_begins_anew_when_loading_is_ordered_again(client: Client) -> None:
    deposit = worked_on(sent(client))
    happened(deposit, 30)
    operations.reschedule(deposit_id=deposit.pk, actor=system_actor(Channel.COMMAND))
    worked_on(deposit)
    assert daily_statistics.bring_up_to_date(steps=3)
    assert (whole().done, whole().longest < 60) == (1, True)


def test_another_who_counts_is_not_waited_for(client: Client) -> None:
    sent(client)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.DAILY_STATISTICS])
        daily_statistics.bring_up_to_date()
        assert not DailyStatistics.objects.exists()
    finally:
        other.close()


def test_days_and_weeks_without_a_deposit_are_there(client: Client) -> None:
    happened(sent(client), 10)
    daily_statistics.bring_up_to_date()
    since = TODAY - timedelta(days=13)
    days = daily_statistics.spans(DailyStatistics.objects.all(), since=since, until=TODAY)
    assert [span.tally.received for span in days] == [0, 0, 0, 1, *[0] * 10]
    weeks = daily_statistics.spans(DailyStatistics.objects.all(), since=since, until=TODAY, weekly=True)
    assert {span.day.weekday() for span in weeks} == {0}
    assert sum(span.tally.received for span in weeks) == 1
    assert isinstance(weeks[0], Span)


def test_the_busiest_come_first(client: Client) -> None:
    other = new_client(*client.collections.all(), username="other", provider_url="https://hal.example.org/")
    for number in range(2):
        sent(other, slug=f"a{number}")
    sent(client, slug="b")
    daily_statistics.bring_up_to_date()
    named = daily_statistics.busiest(
        DailyStatistics.objects.all(), "client__user__username", since=TODAY, until=TODAY
    )
    assert [(name, tally.received) for name, tally in named] == [("other", 2), ("hal", 1)]


def test_everybody_sees_the_days_of_their_own_deposits(client: Client) -> None:
    stranger = new_client(new_collection("elsewhere"), username="stranger")
    sent(client)
    daily_statistics.bring_up_to_date()

    def seen(user: object) -> int:
        return visible_statistics(Actor(user=user, channel=Channel.DASHBOARD)).count()  # type: ignore[arg-type]

    assert (seen(client.user), seen(stranger.user)) == (1, 0)
    Curatorship.objects.create(user=stranger.user, collection=client.collections.get())
    assert seen(stranger.user) == 1


def test_a_day_is_counted_once(client: Client) -> None:
    sent(client)
    daily_statistics.bring_up_to_date()
    row = DailyStatistics.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError, match="tally_of_a_day_is_unique"), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("field", ["largest", "longest"])
def test_no_part_is_more_than_the_sum(client: Client, field: str) -> None:
    sent(client)
    daily_statistics.bring_up_to_date()
    with pytest.raises(IntegrityError, match="tally_parts_are_within_their_sums"):
        DailyStatistics.objects.update(**{field: 2**40})


def test_a_day_of_the_history_is_found_by_its_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT FROM deposit_event WHERE at > now() - interval '1 day'")
        assert "event_by_moment" in str(cursor.fetchall())
    assert Event.objects.count() == 0
