"""Clients and collections: who may deposit where."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from deposit.models import Client, Collection, Membership


class AccountError(Exception):
    """What was asked of an account cannot be done; ``str()`` says why and what to do."""


def create_collection(*, name: str, title: str = "") -> Collection:
    """Make a collection. Raises `AccountError` when there is one of that name or the name will not do."""
    collection = Collection(name=name, title=title)
    try:
        collection.full_clean()
        with transaction.atomic():
            collection.save()
    except (ValidationError, IntegrityError) as error:
        raise AccountError(_sentences(error)) from error
    return collection


def create_client(
    *,
    username: str,
    password: str | None,
    collections: Sequence[str],
    provider_url: str,
    domain: str = "",
    first_name: str = "",
    last_name: str = "",
    email: str = "",
) -> Client:
    """Make a user who deposits; collections that are not there yet are made.

    ``password`` None: no password works (an identity provider will vouch). Raises `AccountError`; a user that
    exists is left as it is.
    """
    if User.objects.filter(username=username).exists():
        raise AccountError(
            f"User {username} exists already and was left as it is. "
            f"To add a collection: manage.py user grant --username {username} --collection NAME"
        )
    if not provider_url and not domain:
        raise AccountError(
            "Give --provider-url, the web address below which this client's origins lie "
            "(for example https://www.example.org/), or --domain to derive it."
        )
    user = User(username=username, first_name=first_name, last_name=last_name, email=email)
    client = Client(user=user, provider_url=provider_url or f"https://{domain}/", domain=domain)
    try:
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.full_clean()
        client.full_clean(exclude=["user"])
        with transaction.atomic():
            user.save()
            client.save()
            for name in collections:
                _add_membership(client, name)
    except (ValidationError, IntegrityError) as error:
        raise AccountError(_sentences(error)) from error
    return client


def _add_membership(client: Client, collection_name: str) -> None:
    collection = Collection.objects.filter(name=collection_name).first()
    collection = collection or create_collection(name=collection_name)
    Membership.objects.get_or_create(client=client, collection=collection)


def client_named(username: str) -> Client:
    """The client of that user name. Raises `AccountError`."""
    client = Client.objects.select_related("user").filter(user__username=username).first()
    if client is None:
        raise AccountError(f"There is no client {username}. `manage.py user list` shows them all.")
    return client


def grant(*, username: str, collection: str) -> Client:
    """Let a client deposit into a collection; the collection is made if need be. Raises `AccountError`."""
    client = client_named(username)
    with transaction.atomic():
        _add_membership(client, collection)
    return client


def revoke(*, username: str, collection: str) -> Client:
    """Stop a client from depositing into a collection; its deposits stay. Raises `AccountError`."""
    client = client_named(username)
    removed, _ = Membership.objects.filter(client=client, collection__name=collection).delete()
    if not removed:
        raise AccountError(f"Client {username} has no collection {collection}.")
    return client


def set_active(*, username: str, active: bool) -> Client:
    """Disable a client, or let it in again. Raises `AccountError`."""
    client = client_named(username)
    client.user.is_active = active
    client.user.save(update_fields=["is_active"])
    return client


def set_password(*, username: str, password: str) -> Client:
    """Give a client a new password; the old one stops working at once. Raises `AccountError`."""
    client = client_named(username)
    try:
        validate_password(password, client.user)
    except ValidationError as error:
        raise AccountError(_sentences(error)) from error
    client.user.set_password(password)
    client.user.save(update_fields=["password"])
    return client


def _sentences(error: ValidationError | IntegrityError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
