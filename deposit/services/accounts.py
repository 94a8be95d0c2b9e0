"""Clients and collections: who may deposit where. Administrators' work; the audit tells of each."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from client.transfer_package.options import Options, OptionsError
from deposit import audit
from deposit.actors import Actor
from deposit.models import Client, Collection, Membership
from deposit.permissions import Operation, require_service


class AccountError(Exception):
    """What was asked of an account cannot be done; ``str()`` says why and what to do."""


def create_collection(*, actor: Actor, name: str, **fields: Any) -> Collection:
    """Make a collection; ``fields`` are its model's. Raises `AccountError` when there is one of that name."""
    require_service(actor, Operation.ADMINISTER)
    return _written(actor, "collection.create", Collection(name=name, **fields), {"name": name, **fields})


def change_collection(*, actor: Actor, name: str, **fields: Any) -> Collection:
    """Change what is given of a collection. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    collection = Collection.objects.filter(name=name).first()
    if collection is None:
        raise AccountError(f"There is no collection {name}. `manage.py collection list` shows them all.")
    for field, value in fields.items():
        setattr(collection, field, value)
    return _written(actor, "collection.change", collection, fields)


def _written(actor: Actor, operation: str, collection: Collection, told: dict[str, Any]) -> Collection:
    try:
        Options.of(collection.profile_options)
        collection.full_clean()
        with transaction.atomic():
            collection.save()
            audit.record(operation, subject=f"collection {collection}", actor=actor, **told)
    except OptionsError as error:
        raise AccountError(str(error)) from error
    except (ValidationError, IntegrityError) as error:
        raise AccountError(_sentences(error)) from error
    return collection


def create_client(
    *,
    actor: Actor,
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
    require_service(actor, Operation.ADMINISTER)
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
            audit.record(
                "client.create", subject=f"user {username}", actor=actor, provider_url=client.provider_url
            )
            for name in collections:
                _add_membership(actor, client, name)
    except (ValidationError, IntegrityError) as error:
        raise AccountError(_sentences(error)) from error
    return client


def _add_membership(actor: Actor, client: Client, collection_name: str) -> None:
    collection = Collection.objects.filter(name=collection_name).first()
    collection = collection or create_collection(actor=actor, name=collection_name)
    Membership.objects.get_or_create(client=client, collection=collection)
    _record_audit(actor, "membership.grant", client, collection=collection_name)


def _record_audit(actor: Actor, operation: str, client: Client, **detail: Any) -> None:
    audit.record(operation, subject=f"user {client}", actor=actor, **detail)


def client_named(username: str) -> Client:
    """The client of that user name. Raises `AccountError`."""
    client = Client.objects.select_related("user").filter(user__username=username).first()
    if client is None:
        raise AccountError(f"There is no client {username}. `manage.py user list` shows them all.")
    return client


def grant(*, actor: Actor, username: str, collection: str) -> Client:
    """Let a client deposit into a collection; the collection is made if need be. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    client = client_named(username)
    with transaction.atomic():
        _add_membership(actor, client, collection)
    return client


def revoke(*, actor: Actor, username: str, collection: str) -> Client:
    """Stop a client from depositing into a collection; its deposits stay. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    client = client_named(username)
    with transaction.atomic():
        removed, _ = Membership.objects.filter(client=client, collection__name=collection).delete()
        if not removed:
            raise AccountError(f"Client {username} has no collection {collection}.")
        _record_audit(actor, "membership.revoke", client, collection=collection)
    return client


def set_active(*, actor: Actor, username: str, active: bool) -> Client:
    """Disable a client, or let it in again. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    client = client_named(username)
    client.user.is_active = active
    with transaction.atomic():
        client.user.save(update_fields=["is_active"])
        _record_audit(actor, "user.enable" if active else "user.disable", client)
    return client


def set_password(*, actor: Actor, username: str, password: str) -> Client:
    """Give a client a new password; the old one stops working at once. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    client = client_named(username)
    try:
        validate_password(password, client.user)
    except ValidationError as error:
        raise AccountError(_sentences(error)) from error
    client.user.set_password(password)
    with transaction.atomic():
        client.user.save(update_fields=["password"])
        _record_audit(actor, "user.password", client)
    return client


def _sentences(error: ValidationError | IntegrityError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
