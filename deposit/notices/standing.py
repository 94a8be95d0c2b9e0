"""Alerts that begin and end, told once each: the one list of alerts, looked at by the scheduler."""

from collections.abc import Iterable
from typing import Protocol

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from deposit.models import NoticeType, Notification, NotificationState, StandingAlert, Subscription
from deposit.models import SubscriptionReach as Reach
from deposit.notices.audience import sees_all
from deposit.notices.content import body_of, link
from deposit.notices.expansion import send

# An alert that is away for so long is over: one that comes and goes by the minute is told once. In seconds.
CALM_SECONDS = 300.0

# By the beginning of an alert's code.
_TOPICS = (
    ("archive.", NoticeType.DAMAGE),
    ("source.", NoticeType.SOURCES),
    ("watch.", NoticeType.SOURCES),
    ("pipeline.", NoticeType.PIPELINES),
    ("disk.", NoticeType.SPACE),
    ("dispatcher.", NoticeType.QUEUES),
    ("workers.", NoticeType.QUEUES),
    ("scheduler.", NoticeType.QUEUES),
    ("queue.", NoticeType.QUEUES),
    ("work.", NoticeType.QUEUES),
)


class Seen(Protocol):
    """What is told of an alert."""

    @property
    def code(self) -> str:
        """Its stable name."""

    @property
    def severity(self) -> str:
        """error or warning."""

    @property
    def sentence(self) -> str:
        """What is wrong and what to do about it."""


def topic_of(code: str) -> NoticeType:
    """What an alert is about."""
    for start, topic in _TOPICS:
        if code.startswith(start):
            return topic
    return NoticeType.QUEUES if code.endswith((".silent", ".slow")) else NoticeType.OTHER_ALERTS


def tell(seen: Iterable[Seen]) -> int:
    """Tell of alerts that are new, worse, or over; how many those were. Of one code there is one alert at a time."""
    now: dict[str, Seen] = {}
    for alert in sorted(seen, key=lambda one: one.severity != "error"):
        now.setdefault(alert.code, alert)
    with transaction.atomic():
        standing = {
            one.code: one for one in StandingAlert.objects.select_for_update().filter(cleared_at__isnull=True)
        }
        raised = [_raise(alert, standing.get(code)) for code, alert in sorted(now.items())]
        cleared = [_clear(one) for code, one in sorted(standing.items()) if code not in now]
        told = [one for one in (*raised, *cleared) if one is not None]
        send(_notifications(told))
    return len(told)


def _raise(alert: Seen, standing: StandingAlert | None) -> StandingAlert | None:
    """The alert, if it is to be told."""
    if standing is None:
        return StandingAlert.objects.create(code=alert.code, severity=alert.severity, sentence=alert.sentence)
    is_worse = standing.severity != "error" and alert.severity == "error"
    fields = {"severity": alert.severity if is_worse else standing.severity, "sentence": alert.sentence}
    StandingAlert.objects.filter(pk=standing.pk).update(seen_at=Now(), **fields)
    standing.severity, standing.sentence = fields["severity"], fields["sentence"]
    return standing if is_worse else None


def _clear(standing: StandingAlert) -> StandingAlert | None:
    if (timezone.now() - standing.seen_at).total_seconds() < CALM_SECONDS:
        return None
    standing.cleared_at = timezone.now()
    standing.save(update_fields=["cleared_at"])
    return standing


def _notifications(told: list[StandingAlert]) -> list[Notification]:
    if not told:
        return []
    topics = {topic_of(one.code).value for one in told}
    wanting = Subscription.objects.filter(
        reach=Reach.ALL, active=True, user__is_active=True, events__overlap=sorted(topics)
    )
    listeners = [
        one
        for one in wanting.select_related("user").order_by("id")
        if sees_all(one.user) and (one.channel != "mail" or one.user.email)
    ]
    return [
        Notification(
            subscription=one,
            type=topic_of(alert.code),
            body=_body(alert),
            state=NotificationState.COLLECTED if one.digest else NotificationState.WAITING,
        )
        for alert in told
        for one in listeners
        if topic_of(alert.code) in one.events
    ]


def _body(alert: StandingAlert) -> dict[str, object]:
    state = "cleared" if alert.cleared_at else "raised"
    data = {
        "alert": alert.code,
        "state": state,
        "severity": alert.severity,
        "sentence": alert.sentence,
        "url": link("/overview/"),
    }
    return body_of(topic_of(alert.code), alert.cleared_at or timezone.now(), data)
