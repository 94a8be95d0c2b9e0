"""Who is told what, and what became of it; see ``deposit.notices``.

The lines of a deposit's history that ask for a notice (``Event.xact``) are the outbox. A pass makes one `Notification`
of each line for each `Subscription` that wants it, with one work item that sends it.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Cast, Now
from django.utils.translation import gettext_lazy as _

from deposit.models.event_names import NoticeType
from deposit.models.record import Collection, Deposit, Event

# The number of the transaction that runs: written into a line of the history that asks for a notice.
CURRENT_TRANSACTION = Cast(
    Cast(Func(function="pg_current_xact_id", output_field=models.TextField()), models.TextField()),
    models.BigIntegerField(),
)


class SubscriptionChannel(models.TextChoices):
    """How somebody is told."""

    MAIL = "mail", _("mail")
    WEBHOOK = "webhook", _("webhook")


class SubscriptionReach(models.TextChoices):
    """Of which deposits; whether the user may read them is asked anew for each notice."""

    OWN = "own", _("my own deposits")
    CURATED = "curated", _("deposits of the collections that I curate")
    ALL = "all", _("all deposits")


class Subscription(models.Model):
    """That a user wants to be told of something, by mail or by a webhook.

    ``failures``, ``failing_since`` and ``retry_at`` are of the receiver as a whole: what waits for it is not tried one
    by one while it fails.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    channel = models.CharField(max_length=7, choices=SubscriptionChannel.choices)
    reach = models.CharField(
        max_length=7, choices=SubscriptionReach.choices, default=SubscriptionReach.OWN, db_default="own"
    )
    collection = models.ForeignKey(
        Collection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Only deposits of this collection; empty: of any."),
    )
    events = ArrayField(models.CharField(max_length=40), help_text=_("What is told."))
    # Made by the service for a depositor who has chosen nothing yet (NOTICE_MAIL_DEFAULTS).
    is_default = models.BooleanField(default=False, db_default=False, editable=False)
    active = models.BooleanField(default=True, db_default=True)
    # Mail:
    digest = models.BooleanField(
        default=False, db_default=False, help_text=_("One mail a day instead of one for each.")
    )
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    # Webhooks. Secrets are encrypted (`deposit.notices.encryption`); a former one signs beside the new one for a while.
    url = models.CharField(max_length=2000, blank=True, default="", db_default="")
    secret = models.TextField(blank=True, default="", db_default="", editable=False)
    previous_secret = models.TextField(blank=True, default="", db_default="", editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)

    failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    # Takes its time with answers: served beside others that do, so that it holds up nobody else.
    slow = models.BooleanField(default=False, db_default=False, editable=False)
    last_fault = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    succeeded_at = models.DateTimeField(null=True, editable=False)
    # Failed for so long, or told us to stop: nothing is sent until somebody resumes it.
    paused_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel="mail", url="", secret="")
                | (Q(channel="webhook", digest=False) & ~Q(url="") & ~Q(secret="")),
                name="subscription_has_what_its_channel_needs",
            ),
            models.CheckConstraint(
                condition=Q(reach__in=SubscriptionReach.values), name="subscription_reach_is_known"
            ),
            models.CheckConstraint(
                condition=Q(events__contained_by=[each.value for each in NoticeType], events__len__gt=0),
                name="subscription_events_are_known",
            ),
            models.UniqueConstraint(
                fields=["user", "reach", "collection"],
                condition=Q(channel="mail"),
                nulls_distinct=False,
                name="subscription_by_mail_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"subscription {self.pk} of {self.user} by {self.channel}"

    @property
    def state(self) -> str:
        """One word: off, paused, failing or well."""
        if not self.active:
            return "off"
        if self.paused_at is not None:
            return "paused"
        return "failing" if self.failures else "well"


class StandingAlert(models.Model):
    """An alert that stands, or stood: raised once, cleared once. ``code`` as in the list of alerts."""

    code = models.CharField(max_length=100)
    severity = models.CharField(max_length=7)
    sentence = models.TextField()
    raised_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)
    cleared_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], condition=Q(cleared_at__isnull=True), name="alert_stands_once"
            )
        ]

    def __str__(self) -> str:
        return self.code


class NotificationState(models.TextChoices):
    """Where a notification stands; the values are part of the API."""

    WAITING = "waiting", _("waiting")
    # A mail that is being handed over, or was when its worker ended.
    SENDING = "sending", _("being sent")
    COLLECTED = "collected", _("for the next digest")
    DELIVERED = "delivered", _("delivered")
    # A mail of which nobody knows whether it arrived: it is not sent again by itself.
    UNKNOWN = "unknown", _("perhaps delivered")
    DEAD = "dead", _("given up")
    BOUNCED = "bounced", _("bounced")
    DROPPED = "dropped", _("not sent any more")


# Notifications in these states are still to be sent, in the order of their ids.
OPEN_NOTIFICATIONS = (NotificationState.WAITING, NotificationState.SENDING)


class Notification(models.Model):
    """One thing that one subscription is told: what, and what became of it. Its body never changes."""

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    # What it tells of: a line of the history, which outlives its deposit, or an alert; or nothing, for a test.
    event = models.ForeignKey(
        Event, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    deposit = models.ForeignKey(
        Deposit, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    type = models.CharField(max_length=40)
    body = models.JSONField()
    state = models.CharField(
        max_length=9, choices=NotificationState.choices, default=NotificationState.WAITING, editable=False
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    # What the receiver answered last, in short; a fault of ours in a sentence.
    answer = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["subscription", "deposit", "id"],
                name="notification_open_in_order",
                condition=Q(state__in=["waiting", "sending"]),
            ),
            models.Index(fields=["subscription", "id"], name="notification_of_subscription"),
            models.Index(
                fields=["state", "id"],
                name="notification_amiss",
                condition=Q(state__in=["collected", "dead", "unknown", "bounced"]),
            ),
            models.Index(fields=["ended_at"], name="notification_by_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "event"],
                condition=Q(event__isnull=False),
                name="notification_is_made_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=NotificationState.values), name="notification_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} for subscription {self.subscription_id}"

    @property
    def message_id(self) -> str:
        """The stable id that receivers see: the same in every attempt, and for the same event after a restore."""
        about = f"e{self.event_id}" if self.event_id else f"n{self.pk}"
        return f"msg_{self.subscription_id}_{about}"


class NotificationAttempt(models.Model):
    """One attempt to send a notification, and what was answered; without secrets."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(db_default=Now(), editable=False)
    # The HTTP or SMTP status; None where there was no answer.
    status = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(default=0)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status or 'no answer'}: {self.answer}"


class OutboxPosition(models.Model):
    """How far the outbox has been told: up to and with the line (``xact``, ``event``); one row.

    ``top``: the greatest id told; lines up to ``floor`` are told whatever their ``xact``. Numbers of transactions mean
    something in one PostgreSQL cluster only: ``cluster`` says in which.
    """

    xact = models.BigIntegerField(default=0)
    event = models.BigIntegerField(default=0)
    top = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    cluster = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"{self.xact}/{self.event}"


class ReceiptTarget(models.Model):
    """Where a collection's receipts go: the last step of a delivery (`loader.receipts`). Set up by administrators."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="receipt_targets")
    # Of deliveries to this destination; empty: to any.
    destination = models.CharField(max_length=50, blank=True, default="", db_default="")
    kind = models.CharField(max_length=7, choices=[("file", _("file")), ("webhook", _("webhook"))])
    place = models.CharField(
        max_length=2000, help_text=_("A folder, a bucket (s3://bucket/prefix), or the address of a webhook.")
    )
    template = models.JSONField(default=dict, db_default={}, blank=True)
    file_name = models.CharField(max_length=200, blank=True, default="", db_default="")
    # Of a webhook; encrypted.
    secret = models.TextField(blank=True, default="", db_default="", editable=False)
    enabled = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="file", secret="") | (Q(kind="webhook") & ~Q(secret="")),
                name="receipt_target_has_what_its_kind_needs",
            )
        ]

    def __str__(self) -> str:
        return f"receipts of {self.collection} to {self.shown}"

    @property
    def shown(self) -> str:
        """The place without what may be a key in it."""
        return self.place.partition("?")[0]
