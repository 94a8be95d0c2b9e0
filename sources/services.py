"""What operators do with sources: add, pause, resume, remove, scan, retry."""

import hashlib
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from client.transfer_package.options import Options, OptionsError
from deposit import audit
from deposit.actors import Actor
from deposit.models import Client, Collection, Membership, Profile
from deposit.permissions import Operation, require_service
from sources import items
from sources.buckets.address import AddressError, read_address, read_event_way
from sources.models import Source, SourceKind


class SourceError(Exception):
    """What was asked of a source cannot be done; ``str()`` says why and what to do."""


def add_source(
    *, actor: Actor, name: str, kind: SourceKind, location: str, collection: str, **fields: Any
) -> Source:
    """Watch a folder or bucket from now on, by a client of its own. Raises `SourceError`, `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    place = Collection.objects.filter(name=collection).first()
    if place is None:
        raise SourceError(
            f"There is no collection {collection}. Make it first: manage.py collection create --name {collection}"
        )
    source = Source(name=name, kind=kind, location=location, collection=place, **fields)
    _require_sense(source)
    try:
        with transaction.atomic():
            source.client = _client_for(source)
            source.full_clean(exclude=["client"])
            source.save()
            audit.record("source.add", subject=f"source {name}", actor=actor, location=location)
    except (ValidationError, IntegrityError) as error:
        raise SourceError(
            " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        ) from error
    return source


def _require_sense(source: Source) -> None:
    """Everything that can be wrong with a source without looking at the record. Raises `SourceError`."""
    if source.profile and source.profile not in Profile.values:
        raise SourceError(f"There is no profile {source.profile}; there are {', '.join(Profile.values)}.")
    try:
        Options.of(source.profile_options)
        re.compile(source.ignore)
    except OptionsError as error:
        raise SourceError(str(error)) from error
    except re.error as error:
        raise SourceError(f"--ignore is no regular expression: {error}.") from error
    if source.retention_days is not None and source.completed_dir:
        raise SourceError(
            "Originals are either deleted (--retention-days) or moved (--completed-dir), not both."
        )
    if source.kind == SourceKind.FOLDER:
        _require_folder(source)
    else:
        try:
            read_address(source.location)
            read_event_way(source.events)
        except AddressError as error:
            raise SourceError(str(error)) from error
        if source.completed_dir:
            raise SourceError("Objects are not moved: use --retention-days to delete what is stored.")


def _require_folder(source: Source) -> None:
    path = Path(source.location)
    if not path.is_dir():
        raise SourceError(f"{path} is no folder that this machine can see. Make it first, or mount it.")
    source.location = str(path.resolve())
    if source.completed_dir:
        source.completed_dir = str(Path(source.completed_dir).resolve())
        if source.completed_dir == source.location:
            raise SourceError("The folder for what is completed cannot be the watched folder itself.")


def _client_for(source: Source) -> Client:
    """The machine client of a source: no password opens it, and it may deposit into the one collection only."""
    name, number = f"source-{source.name}"[:140], 1
    while User.objects.filter(username=name).exists():
        number += 1
        name = f"source-{source.name}"[:140] + f"-{number}"
    user = User(username=name)
    user.set_unusable_password()
    user.save()
    base = settings.PUBLIC_URL.rstrip("/") or "http://localhost"
    client = Client.objects.create(user=user, provider_url=f"{base}/sources/{quote(source.name)}/")
    Membership.objects.create(client=client, collection=source.collection)
    return client


def source_named(name: str) -> Source:
    """The source of that name. Raises `SourceError`."""
    found = Source.objects.select_related("collection", "client__user")
    source = found.filter(name=name, removed_at__isnull=True).first()
    if source is None:
        raise SourceError(f"There is no source {name}. `manage.py source list` shows them all.")
    return source


def set_paused(*, actor: Actor, name: str, paused: bool) -> Source:
    """Stop taking in what a source shows, or go on; what is under way ends. Raises `SourceError`, `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    source = source_named(name)
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(paused=paused)
        audit.record("source.pause" if paused else "source.resume", subject=f"source {name}", actor=actor)
    source.paused = paused
    return source


def remove_source(*, actor: Actor, name: str) -> Source:
    """Watch it no longer. Its items and deposits stay in the record; the name is free again."""
    require_service(actor, Operation.ADMINISTER)
    source = source_named(name)
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(removed_at=Now())
        User.objects.filter(pk=source.client.user_id).update(is_active=False)
        audit.record("source.remove", subject=f"source {name}", actor=actor)
    return source


def want_scan(*, name: str) -> Source:
    """Ask the watcher for a full scan."""
    source = source_named(name)
    Source.objects.filter(pk=source.pk).update(scan_wanted_at=Now())
    return source


def retry_item(*, actor: Actor, name: str, key: str) -> int:
    """Take in again what was rejected or failed under a key. Raises `SourceError` when there is nothing of the kind."""
    require_service(actor, Operation.ADMINISTER)
    source = source_named(name)
    with transaction.atomic():
        count = items.retry(source, key)
        if not count:
            raise SourceError(
                f"{name} has no item {key} that was rejected, failed or waits. `manage.py source items {name}` "
                "shows them all."
            )
        audit.record("source.retry", subject=f"source {name}", actor=actor, key=key)
    return count


def new_webhook_token(*, actor: Actor, name: str) -> str:
    """A new secret with which a bucket's server announces events; only its digest is kept."""
    require_service(actor, Operation.ADMINISTER)
    source = source_named(name)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(webhook_digest=hashlib.sha256(token.encode()).hexdigest())
        audit.record("source.token", subject=f"source {name}", actor=actor)
    return token
