"""One's own account: roles and collections, notices, API tokens."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard.pages import page
from deposit.actors import Actor, Scope
from deposit.models import Curatorship, Notice, TokenScope
from deposit.permissions import service_roles, visible_collections
from deposit.refusals import Refusal
from deposit.services import tokens

_LISTED = 200


def _user(actor: Actor) -> User:
    assert actor.user is not None
    return actor.user


def _account(
    request: HttpRequest, actor: Actor, *, new: str = "", refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    user = _user(actor)
    context = {
        "client": actor.own_client,
        "roles": sorted(service_roles(actor)),
        "collections": visible_collections(actor)[:_LISTED],
        "curated": Curatorship.objects.filter(user=user).select_related("collection")[:_LISTED],
        "tokens": tokens.tokens_of(actor=actor, user=user)[:_LISTED],
        "scopes": TokenScope.choices,
        "days": tokens.DEFAULT_DAYS,
        "longest": tokens.LONGEST_DAYS,
        "notices": Notice.objects.filter(user=user)[:20],
        "new_token": new,
        "refusal": refusal,
    }
    response = render(request, "dashboard/account.html", context, status=status)
    if new:
        response["Cache-Control"] = "no-store"
    return response


@require_GET
@page
def account(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Who I am here, and what I may."""
    return _account(request, actor)


@require_POST
@page
def issue_token(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make a token, and show it this once."""
    days = request.POST.get("days", "")
    try:
        _token, text = tokens.issue(
            actor=actor,
            user=_user(actor),
            name=request.POST.get("name", ""),
            scopes=request.POST.getlist("scope") or [Scope.READ],
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 9 else 0,
        )
    except Refusal as refusal:
        return _account(request, actor, refusal=refusal, status=400)
    return _account(request, actor, new=text)


@require_POST
@page
def revoke_token(request: HttpRequest, actor: Actor, token_id: int) -> HttpResponse:
    """Stop a token."""
    token = tokens.revoke(actor=actor, token_id=token_id)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("dashboard:account")
