"""API tokens: whose they are."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from deposit.actors import Scope
from deposit.authentication.headers import bad_token
from deposit.models import ApiToken
from deposit.token_format import digest, looks_like_a_token

_USED = """
UPDATE deposit_apitoken SET last_used_at = now(), last_used_from = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


def user_with_token(text: str, *, address: str, username: str | None = None) -> tuple[User, ApiToken]:
    """Whose a token is; one query. ``username``: the one it was sent with. Raises one `Refusal` for all faults."""
    if not looks_like_a_token(text):
        raise bad_token()
    valid = ApiToken.objects.filter(digest=digest(text), revoked_at__isnull=True, expires_at__gt=Now())
    token = valid.select_related("user__client").first()
    if token is None or not token.user.is_active or username not in (None, token.user.get_username()):
        raise bad_token()
    if token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=1):
        with connection.cursor() as cursor:
            cursor.execute(_USED, [address, token.pk])
    return token.user, token


def scopes_of(token: ApiToken) -> frozenset[Scope]:
    """What the token may be used for."""
    return frozenset(Scope(name) for name in token.scopes)
