"""The admin site's pages of subscriptions and notices. Imported by ``deposit.admin``."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from deposit.actors import Channel
from deposit.admin.read_only import ReadOnlyAdmin
from deposit.authentication.sessions import session_actor
from deposit.models import Notification, ReceiptTarget, StandingAlert, Subscription
from deposit.notices import subscriptions
from deposit.refusals import Refusal


def _each(request: HttpRequest, rows: QuerySet[Any], act: Any, done: str) -> None:
    """Through the service, which decides and writes the audit."""
    for row in rows:
        try:
            act(session_actor(request, Channel.ADMIN), row.pk)
        except Refusal as refusal:
            messages.warning(request, f"{row}: {refusal.summary}")
        else:
            messages.success(request, f"{row}: {done}")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Who is told what, and how their receivers fare. Made by users, and with `manage.py subscription add`."""

    list_display = ["user", "channel", "reach", "events", "state", "failing_since", "last_fault"]
    list_select_related = ["user"]
    list_filter = ["channel", "reach", "active"]
    search_fields = ["user__username", "url"]
    exclude = ["secret", "previous_secret"]
    actions = ["resume", "send_test"]

    @admin.action(description="Resume: send what a pause has kept", permissions=["view"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        """After a pause."""
        _each(
            request,
            queryset,
            lambda actor, number: subscriptions.resume(actor=actor, subscription_id=number),
            "resumed.",
        )

    @admin.action(description="Send a test", permissions=["view"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        """To see whether it arrives."""
        _each(
            request,
            queryset,
            lambda actor, number: subscriptions.test(actor=actor, subscription_id=number),
            "a test is on its way.",
        )


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What was told to whom; ``dead`` is what was given up."""

    list_display = ["created_at", "type", "subscription_id", "deposit_id", "state", "attempts", "answer"]
    list_filter = ["state", "type"]
    search_fields = ["=deposit__id", "=subscription__id", "subscription__user__username"]
    actions = ["replay"]

    @admin.action(description="Send again", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """What has ended."""
        _each(
            request,
            queryset,
            lambda actor, number: subscriptions.replay(actor=actor, notice_id=number),
            "sent again.",
        )


@admin.register(StandingAlert)
class StandingAlertAdmin(ReadOnlyAdmin):
    """Alerts that stand, and stood."""

    list_display = ["code", "severity", "raised_at", "cleared_at", "sentence"]
    list_filter = ["severity"]


@admin.register(ReceiptTarget)
class ReceiptTargetAdmin(ReadOnlyAdmin):
    """Where receipts of deliveries go; set up with `manage.py receipt add`."""

    list_display = ["collection", "destination", "kind", "place", "enabled"]
    list_select_related = ["collection"]
    exclude = ["secret"]
