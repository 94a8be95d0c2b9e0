"""Deliveries and their steps, for metrics and alerts."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import connection
from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Sum
from django.utils.translation import ngettext
from prometheus_client.core import GaugeMetricFamily, Metric

from deposit.models import Activity, Delivery, DeliveryState
from deposit.monitoring.alerts import Alert

# Steps are counted among the newest so many: all of them are too many to be read at every scrape.
NEWEST = 10_000
_SENT = """
SELECT delivery.destination, sent.key, sum(sent.value::numeric)
FROM (
    SELECT delivery_id, result -> 'sent' AS sent FROM deposit_activity
    WHERE id > (SELECT max(id) FROM deposit_activity) - %s AND jsonb_typeof(result -> 'sent') = 'object'
) step JOIN deposit_delivery delivery ON delivery.id = step.delivery_id CROSS JOIN LATERAL jsonb_each(step.sent) sent
WHERE jsonb_typeof(sent.value) = 'number' GROUP BY 1, 2 ORDER BY 1, 2
"""


def alerts() -> Iterator[Alert]:
    """Deliveries that wait for a person."""
    number = Delivery.objects.filter(state=DeliveryState.ASKING).count()
    if number:
        sentence = ngettext(
            "%(number)d delivery waits for a person to decide: `manage.py delivery list --state asking` tells which.",
            "%(number)d deliveries wait for a person to decide: `manage.py delivery list --state asking` tells which.",
            number,
        ) % {"number": number}
        yield Alert(code="deliveries.asking", severity="warning", sentence=sentence)


def metrics() -> Iterable[Metric]:
    """Deliveries that are not done, by state; the newest steps by outcome, and how long they took."""
    deliveries = GaugeMetricFamily(
        "deposit_deliveries", "Deliveries that are not done.", labels=["destination", "state"]
    )
    open_ = Delivery.objects.exclude(state=DeliveryState.DONE).filter(current=True)
    for destination, state, number in (
        open_.values_list("destination", "state").annotate(Count("pk")).order_by()
    ):
        deliveries.add_metric([destination, state], number)
    return [deliveries, *_ended(), *_steps(), _sent()]


def _ended() -> Iterable[Metric]:
    newest = Delivery.objects.aggregate(last=Max("pk"))["last"] or 0
    names = ["destination", "outcome"]
    text = f"Deliveries that have ended, of the newest {NEWEST}."
    number = GaugeMetricFamily("deposit_deliveries_ended", text, labels=names)
    seconds = GaugeMetricFamily("deposit_delivery_seconds_sum", f"How long these took. {text}", labels=names)
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    rows = (
        Delivery.objects.filter(pk__gt=newest - NEWEST, ended_at__isnull=False)
        .values("destination", "state")
        .annotate(number=Count("pk"), took=Sum(took))
        .order_by()
    )
    for row in rows:
        labels = [row["destination"], row["state"]]
        number.add_metric(labels, row["number"])
        seconds.add_metric(labels, (row["took"] or timedelta()).total_seconds())
    return [number, seconds]


def _sent() -> Metric:
    text = f"What was new at destinations that tell of it (contents, directories, bytes), of the newest {NEWEST} steps."
    sent = GaugeMetricFamily("deposit_delivery_sent", text, labels=["destination", "what"])
    with connection.cursor() as cursor:
        cursor.execute(_SENT, [NEWEST])
        for destination, what, number in cursor.fetchall():
            sent.add_metric([destination, what], float(number))
    return sent


def _steps() -> Iterable[Metric]:
    newest = Activity.objects.aggregate(last=Max("pk"))["last"] or 0
    names = ["destination", "activity", "state"]
    text = f"Steps of deliveries, of the newest {NEWEST}."
    number = GaugeMetricFamily("deposit_activities", text, labels=names)
    seconds = GaugeMetricFamily("deposit_activity_seconds_sum", f"How long these took. {text}", labels=names)
    polls = GaugeMetricFamily(
        "deposit_activity_polls", f"How often these were looked at. {text}", labels=names
    )
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    rows = (
        Activity.objects.filter(pk__gt=newest - NEWEST)
        .values("delivery__destination", "name", "state")
        .annotate(number=Count("pk"), took=Sum(took), looks=Sum("polls"))
        .order_by()
    )
    for row in rows:
        labels = [row["delivery__destination"], row["name"], row["state"]]
        number.add_metric(labels, row["number"])
        seconds.add_metric(labels, (row["took"] or timedelta()).total_seconds())
        polls.add_metric(labels, row["looks"] or 0)
    return [number, seconds, polls]
