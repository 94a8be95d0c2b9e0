"""From the claims of an identity provider to a user of ours.

Names change hands at a provider, and people may choose them. An account is therefore bound to an issuer and a subject
once, and found by these from then on. Nobody gets an account with a password of its own by having its name.
"""

import logging
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from deposit import audit
from deposit.authentication.headers import bad_token
from deposit.models import ProviderIdentity
from deposit.refusals import Refusal, unauthorized

logger = logging.getLogger(__name__)


def user_of(claims: dict[str, Any]) -> User:
    """The active user whom the claims mean. Users are bound, and made only where the settings say so.

    A user who was made so deposits nothing until an operator makes a client of it. Raises a 401 `Refusal`.
    """
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    if not issuer or not 0 < len(subject) <= 255:
        raise bad_token()
    user = _bound(issuer, subject) or _newly_bound(claims, issuer, subject)
    if not user.is_active:
        raise unauthorized(
            "auth.deactivated", f"Deactivated user {user.get_username()}", "Ask the operators."
        )
    return user


def username_of(claims: dict[str, Any]) -> str:
    """The name here of whom the claims mean: the first claim of the settings that they have; empty without one."""
    for claim in _claims_with_name():
        # An address that nobody confirmed may be anybody's, and a name opens the account that has it.
        if claim == "email" and claims.get("email_verified") is not True:
            continue
        if claims.get(claim):
            return str(claims[claim])
    return ""


def identifying(claims: dict[str, Any]) -> dict[str, Any]:
    """Of the claims only those by which an account is found."""
    wanted = {"iss", "sub", "email_verified", *_claims_with_name()}
    return {name: claims[name] for name in wanted if name in claims}


def _claims_with_name() -> list[str]:
    return settings.OIDC_USERNAME_CLAIM if settings.OIDC_ISSUER else [settings.KEYCLOAK_USERNAME_CLAIM]


def _email_of(claims: dict[str, Any]) -> str:
    """The first claim of the settings that is an address: Entra ID names people by `upn`, which mostly is theirs."""
    for claim in settings.OIDC_EMAIL_CLAIM if settings.OIDC_ISSUER else ["email"]:
        with suppress(ValidationError):
            address = str(claims.get(claim, ""))
            validate_email(address)
            return address
    return ""


def _bound(issuer: str, subject: str) -> User | None:
    user = (
        User.objects.select_related("client")
        .filter(provider_identity__issuer=issuer, provider_identity__subject=subject)
        .first()
    )
    if (
        user is not None
        and user.is_superuser
        and not (settings.KEYCLOAK_SUPERUSERS or settings.OIDC_SUPERUSERS)
    ):
        raise unauthorized(
            "auth.superuser",
            "Superusers do not log in through the identity provider.",
            "Log in with the password of this service, or set KEYCLOAK_SUPERUSERS or OIDC_SUPERUSERS to true.",
        )
    return user


def _newly_bound(claims: dict[str, Any], issuer: str, subject: str) -> User:
    """Bind the account that has the name, if it was made for this or an administrator said so. Raises `Refusal`."""
    username = username_of(claims)
    try:
        with transaction.atomic():
            # Locked: of many first requests of one person at once, one binds and the others find it done.
            user = User.objects.select_for_update().filter(username=username).first()
            if user is None and username and (settings.KEYCLOAK_CREATE_USERS or settings.OIDC_CREATE_USERS):
                user = _made(username, claims)
            if user is None:
                raise _unknown(username)
            _bind(user, claims, issuer, subject)
    except IntegrityError as error:
        logger.info("%s: somebody else bound this person", type(error).__name__)
    bound = _bound(issuer, subject)
    if bound is None:
        raise _unknown(username)
    return bound


def _bind(user: User, claims: dict[str, Any], issuer: str, subject: str) -> None:
    """Make a person at the provider an account, by its name. Raises `Refusal` when that is another's."""
    known = ProviderIdentity.objects.filter(user=user).first()
    if known is not None and known.subject:
        if (known.issuer, known.subject) != (issuer, subject):
            raise _unknown(user.get_username())
        return
    # Without a password it was made for whoever the provider vouches for; a superuser never is.
    if known is None and (user.has_usable_password() or user.is_superuser):
        raise _unknown(user.get_username())
    ProviderIdentity.objects.update_or_create(user=user, defaults={"issuer": issuer, "subject": subject})
    # Notices go there; an address that somebody entered here stays.
    if not user.email and (address := _email_of(claims)):
        User.objects.filter(pk=user.pk, email="").update(email=address)
    audit.record("user.bind", subject=f"user {user}", by="identity provider", identity=subject)


def _unknown(username: str) -> Refusal:
    """The same for an account that is not there and for one that is another's."""
    return unauthorized(
        "auth.unknown_user",
        f"Unknown user {username}",
        "An operator makes users known, and binds accounts that have a password here to people at the provider.",
    )


def _made(username: str, claims: dict[str, Any]) -> User:
    user = User(username=username, email=_email_of(claims))
    user.first_name, user.last_name = str(claims.get("given_name", "")), str(claims.get("family_name", ""))
    user.set_unusable_password()
    user.clean_fields()
    user.save()
    audit.record("user.create", subject=f"user {username}", by="identity provider")
    return user
