"""What I am told: subscriptions by mail and webhook, what was sent, and ending a subscription from a mail."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.labels import NOTICE_WORDS
from dashboard.pages import page
from deposit.actors import Actor
from deposit.models import Notification, NotificationState, Subscription, SubscriptionReach
from deposit.notices import subscriptions, unsubscribing
from deposit.notices.audience import sees_all
from deposit.permissions import visible_collections
from deposit.refusals import Refusal

_SHOWN = 50
_LOGGED = 20


def _page(
    request: HttpRequest, actor: Actor, *, secret: str = "", refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    user = actor.user
    assert user is not None
    mine = list(Subscription.objects.select_related("collection").filter(user=user).order_by("id"))
    numbers = subscriptions.counted(mine)
    for one in mine:
        one.counts = numbers[one.pk]  # type: ignore[attr-defined]
        one.told = [NOTICE_WORDS[event] for event in one.events]  # type: ignore[attr-defined]
    reaches = [
        (value, label)
        for value, label in SubscriptionReach.choices
        if value != SubscriptionReach.ALL or sees_all(user)
    ]
    told = Notification.objects.filter(subscription__user=user).select_related("subscription")
    shown = list(told.order_by("-id")[:_SHOWN])
    for notice in shown:
        notice.words = NOTICE_WORDS.get(notice.type, notice.type)  # type: ignore[attr-defined]
    context = {
        "subscriptions": mine,
        "choices": [(one.value, NOTICE_WORDS[one]) for one in subscriptions.choices_for(user)],
        "usual": {"deposit.done", "deposit.rejected", "deposit.failed", "deposit.held", "deposit.expiring"},
        "reaches": reaches,
        "collections": visible_collections(actor)[:200],
        "notices": shown,
        "secret": secret,
        "refusal": refusal,
    }
    response = render(request, "dashboard/notices.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_GET
@page
def notices(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What I am told, how, and what was sent."""
    return _page(request, actor)


@require_POST
@page
def subscribe(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Subscribe; the secret of a webhook is shown this once."""
    assert actor.user is not None
    try:
        _made, secret = subscriptions.add(
            actor=actor,
            user=actor.user,
            channel=request.POST.get("channel", ""),
            events=request.POST.getlist("event"),
            reach=request.POST.get("reach", SubscriptionReach.OWN),
            collection=request.POST.get("collection", ""),
            url=request.POST.get("url", ""),
            digest=request.POST.get("digest") == "1",
            language=get_language() or "",
        )
    except Refusal as refusal:
        return _page(request, actor, refusal=refusal, status=400)
    if secret:
        return _page(request, actor, secret=secret)
    messages.success(request, _("You will be told by mail."))
    return redirect("dashboard:notices")


def _test(actor: Actor, number: int) -> str:
    subscriptions.test(actor=actor, subscription_id=number)
    return _("A test is on its way: see below whether it arrived.")


def _resume(actor: Actor, number: int) -> str:
    subscriptions.resume(actor=actor, subscription_id=number)
    return _("It is resumed: what waits is sent now.")


def _remove(actor: Actor, number: int) -> str:
    subscriptions.remove(actor=actor, subscription_id=number)
    return _("The subscription is removed.")


def _switch(active: bool) -> Callable[[Actor, int], str]:
    def act(actor: Actor, number: int) -> str:
        subscriptions.change(actor=actor, subscription_id=number, active=active)
        return _("The subscription is on.") if active else _("The subscription is off.")

    return act


def _replay_dead(actor: Actor, number: int) -> str:
    count = subscriptions.replay_dead(actor=actor, subscription_id=number)
    return _("Sent again: %(number)d") % {"number": count}


_ACTIONS: dict[str, Callable[[Actor, int], str]] = {
    "test": _test,
    "resume": _resume,
    "remove": _remove,
    "on": _switch(True),
    "off": _switch(False),
    "replay": _replay_dead,
}


@require_POST
@page
def change(request: HttpRequest, actor: Actor, subscription_id: int) -> HttpResponse:
    """Test, resume, switch on or off, remove; a new secret is shown this once."""
    action = request.POST.get("action", "")
    try:
        if action == "rotate":
            _changed, secret = subscriptions.rotate(actor=actor, subscription_id=subscription_id)
            return _page(request, actor, secret=secret)
        if action in _ACTIONS:
            messages.success(request, _ACTIONS[action](actor, subscription_id))
    except Refusal as refusal:
        subscriptions.subscription_for(actor, subscription_id)
        messages.warning(request, f"{refusal.summary} {refusal.hint}".strip())
    return redirect("dashboard:notices")


@require_GET
@page
def notice(request: HttpRequest, actor: Actor, notice_id: int) -> HttpResponse:
    """One notice: what it says, each attempt and its answer."""
    found = subscriptions.notice_for(actor, notice_id)
    context = {
        "notice": found,
        "words": NOTICE_WORDS.get(found.type, found.type),
        "log": found.log.order_by("-id")[:_LOGGED],
        "open": found.state
        in (NotificationState.WAITING, NotificationState.SENDING, NotificationState.COLLECTED),
    }
    return render(request, "dashboard/notice.html", context)


@require_POST
@page
def replay(request: HttpRequest, actor: Actor, notice_id: int) -> HttpResponse:
    """Send a notice again."""
    try:
        subscriptions.replay(actor=actor, notice_id=notice_id)
        messages.success(request, _("It is sent again."))
    except Refusal as refusal:
        subscriptions.notice_for(actor, notice_id)
        messages.warning(request, refusal.summary)
    return redirect("dashboard:notice", notice_id)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End the subscription that a mail belongs to: by POST (RFC 8058), which needs no log-in; GET only asks."""
    if request.method == "POST":
        subscription = unsubscribing.unsubscribe(token)
    else:
        subscription = unsubscribing.subscription_of(token)
    context = {"subscription": subscription, "told": [NOTICE_WORDS[event] for event in subscription.events]}
    return render(request, "dashboard/unsubscribe.html", context)
