"""API tokens: making, listing and revoking them."""

from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from deposit import audit
from deposit.actors import Actor, Scope
from deposit.models import ApiToken
from deposit.permissions import Operation, forbidden, may_service
from deposit.refusals import Kind, Refusal
from deposit.token_format import START, digest, new_token

LONGEST_DAYS = 3 * 366
DEFAULT_DAYS = 365


def _require_owner_of_tokens(actor: Actor, user: User) -> None:
    """A user keeps the own tokens, an administrator those of all; no token makes or revokes tokens."""
    own = actor.user is not None and actor.user.pk == user.pk and actor.token_id is None
    if not own and not may_service(actor, Operation.ADMINISTER):
        raise forbidden(actor, Operation.ADMINISTER)


def tokens_of(*, actor: Actor, user: User) -> QuerySet[ApiToken]:
    """A user's tokens, newest first. Raises `Refusal` unless they are the actor's or the actor administers."""
    _require_owner_of_tokens(actor, user)
    return ApiToken.objects.filter(user=user).order_by("-id")


def issue(
    *, actor: Actor, user: User, name: str, scopes: Collection[str], days: int = DEFAULT_DAYS
) -> tuple[ApiToken, str]:
    """Make a token; its text comes with it this once and is kept nowhere. Raises `Refusal`."""
    _require_owner_of_tokens(actor, user)
    wanted = sorted({_scope(scope) for scope in scopes})
    if not wanted or not name.strip() or not name.strip().isprintable() or not 0 < days <= LONGEST_DAYS:
        raise Refusal(
            Kind.BAD_REQUEST,
            "token.fields",
            f"A token needs a name, at least one scope, and 1 to {LONGEST_DAYS} days to live.",
        )
    text = new_token()
    token = ApiToken(
        user=user,
        name=name.strip()[:100],
        start=text[:START],
        digest=digest(text),
        scopes=wanted,
        expires_at=timezone.now() + timedelta(days=days),
        created_by=str(actor),
    )
    try:
        with transaction.atomic():
            token.save()
            audit.record("token.create", subject=f"user {user}", actor=actor, **_audit_details(token))
    except IntegrityError as error:
        raise Refusal(
            Kind.BAD_REQUEST,
            "token.name_taken",
            f"{user} has a token named {token.name} already.",
            "Choose another name, or revoke that one.",
        ) from error
    token.refresh_from_db()
    return token, text


def revoke(*, actor: Actor, token_id: int) -> ApiToken:
    """Stop a token from opening anything, at once; doing it twice is no error. Raises `Refusal`."""
    token = ApiToken.objects.select_related("user").filter(pk=token_id).first()
    if token is None:
        raise _unknown(token_id)
    try:
        _require_owner_of_tokens(actor, token.user)
    except Refusal as refusal:
        raise _unknown(token_id) from refusal
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token_id, revoked_at__isnull=True).update(revoked_at=Now()):
            audit.record("token.revoke", subject=f"user {token.user}", actor=actor, **_audit_details(token))
    token.refresh_from_db()
    return token


def _scope(text: str) -> str:
    if text not in list(Scope):
        raise Refusal(
            Kind.BAD_REQUEST, "token.scope", f"There is no scope {text}.", f"Scopes: {', '.join(Scope)}."
        )
    return text


def _audit_details(token: ApiToken) -> dict[str, object]:
    return {
        "token": token.pk,
        "name": token.name,
        "scopes": token.scopes,
        "expires": f"{token.expires_at:%Y-%m-%d}",
    }


def _unknown(token_id: int) -> Refusal:
    return Refusal(
        Kind.NOT_FOUND, "token.unknown", f"There is no token {token_id}.", "Your token page lists yours."
    )
