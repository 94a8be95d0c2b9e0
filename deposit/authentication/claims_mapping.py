"""From the claims of an identity provider to a user of ours."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from deposit import audit
from deposit.refusals import unauthorized


def user_of(claims: dict[str, Any]) -> User:
    """The active user whom the claims name. Users are matched, and made only where the settings say so.

    A user who was made so deposits nothing until an operator makes a client of it. Raises a 401 `Refusal`.
    """
    username = str(claims.get(settings.KEYCLOAK_USERNAME_CLAIM, ""))
    user = User.objects.select_related("client").filter(username=username).first()
    if user is None and username and settings.KEYCLOAK_CREATE_USERS:
        user = _made(username, claims)
    if user is None:
        raise unauthorized("auth.unknown_user", f"Unknown user {username}", "An operator makes users known.")
    if not user.is_active:
        raise unauthorized("auth.deactivated", f"Deactivated user {username}", "Ask the operators.")
    return user


def _made(username: str, claims: dict[str, Any]) -> User:
    user = User(username=username, email=str(claims.get("email", "")))
    user.first_name, user.last_name = str(claims.get("given_name", "")), str(claims.get("family_name", ""))
    user.set_unusable_password()
    user.clean_fields()
    try:
        with transaction.atomic():
            user.save()
            audit.record("user.create", subject=f"user {username}", by="identity provider")
    except IntegrityError:
        return User.objects.select_related("client").get(username=username)
    return user
