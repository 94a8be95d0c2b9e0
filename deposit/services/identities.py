"""Which person at the identity provider an account is. Administrators' work; the audit tells of each."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from deposit import audit
from deposit.actors import Actor
from deposit.models import ProviderIdentity
from deposit.permissions import Operation, require_service
from deposit.services.accounts import AccountError


def bind(*, actor: Actor, username: str, issuer: str | None, subject: str = "") -> User:
    """Say who an account is: the person with this subject, or whoever logs in next under the account's name.

    ``issuer``: who the provider of the settings is, None without one. Raises `AccountError`.
    """
    require_service(actor, Operation.ADMINISTER)
    user = _user(username)
    if issuer is None:
        raise AccountError(
            "There is no identity provider: neither KEYCLOAK_SERVER_URL nor OIDC_ISSUER is set."
        )
    whole = {"issuer": issuer if subject else "", "subject": subject}
    try:
        with transaction.atomic():
            ProviderIdentity.objects.update_or_create(user=user, defaults=whole)
            audit.record("user.bind", subject=f"user {username}", actor=actor, identity=subject or "the next")
    except IntegrityError as error:
        raise AccountError(f"{subject} is bound to another account; unbind that one first.") from error
    return user


def unbind(*, actor: Actor, username: str) -> User:
    """Forget who an account is at the provider. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    user = _user(username)
    with transaction.atomic():
        removed, _ = ProviderIdentity.objects.filter(user=user).delete()
        if not removed:
            raise AccountError(f"User {username} is bound to nobody at the identity provider.")
        audit.record("user.unbind", subject=f"user {username}", actor=actor)
    return user


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise AccountError(f"There is no user {username}.")
    return user
