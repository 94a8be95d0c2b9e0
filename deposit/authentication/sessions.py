"""Who has logged in with a browser, and the way in for the log-in forms."""

from typing import Any, cast

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from deposit import audit
from deposit.actors import Actor, Channel
from deposit.authentication.addresses import client_address
from deposit.authentication.headers import Password
from deposit.authentication.passwords import user_with_password
from deposit.refusals import Kind, Refusal


def session_actor(request: HttpRequest, channel: Channel) -> Actor:
    """Who has logged in, at one of the doors for browsers. Raises a 401 `Refusal` when nobody has."""
    # The user itself, not the lazy wrapper around it.
    lazy = request.user
    user = cast(Any, lazy)._wrapped if isinstance(lazy, SimpleLazyObject) and lazy.pk else lazy
    if not isinstance(user, User):
        raise Refusal(Kind.UNAUTHORIZED, "auth.missing", "Nobody has logged in.", "Log in first.")
    return Actor(user=user, channel=channel, address=client_address(request.META))


class PasswordBackend(ModelBackend):
    """Django's own backend, with guesses counted before they are hashed and nothing cached across browsers."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The user, or None for a wrong guess. A form says so when it is throttled or cannot tell (ValidationError)."""
        if username is None or password is None:
            return None
        address = client_address(request.META) if request else ""
        try:
            user = user_with_password(Password(username, password), address=address)
        except Refusal as refusal:
            if refusal.kind in (Kind.TOO_MANY_REQUESTS, Kind.UNAVAILABLE):
                raise ValidationError(f"{refusal.summary} {refusal.hint}", code=refusal.code) from refusal
            return None
        audit.record("user.log_in", subject=f"user {user.get_username()}", address=address)
        return user
