"""The other server's collections and users become ours; passwords stay what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.hashers import identify_hasher, is_password_usable
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from deposit import audit
from deposit.actors import Channel, system_actor
from deposit.models import Client, Collection, Membership, MovedAccount
from deposit.operations.swh_deposit.report import Report
from deposit.operations.swh_deposit.source import Account, Source

_ACTOR = system_actor(Channel.COMMAND)


@dataclass(slots=True)
class Places:
    """Who and what of the other server is whom and what here: number there -> number here.

    In a dry run those that would be made have the number 0.
    """

    collections: dict[int, int] = field(default_factory=dict)
    clients: dict[int, int] = field(default_factory=dict)


def move_accounts(source: Source, *, only: str | None, report: Report) -> Places:
    """Take collections and depositors; ``only``: of this collection alone."""
    places = Places()
    names = source.collections()
    wanted = {number: name for number, name in names.items() if only in (None, name)}
    for number, name in wanted.items():
        _move_collection(number, name, places, report)
    for account in source.accounts():
        if only is not None and not set(account.collections) & set(wanted):
            continue
        if account.is_client:
            _move_client(account, source.name, places, report)
        else:
            report.remark(
                "user", account.username, "It does not deposit and was not taken; make it an operator here."
            )
    if not report.dry_run:
        _mend_sequences()
    return places


def _move_collection(number: int, name: str, places: Places, report: Report) -> None:
    found = Collection.objects.filter(name=name).first()
    if found is None:
        found = Collection(name=name, pk=None if Collection.objects.filter(pk=number).exists() else number)
        try:
            found.full_clean(exclude=["id"])
            if not report.dry_run:
                with transaction.atomic():
                    found.save(force_insert=True)
                    audit.record("collection.create", subject=f"collection {name}", actor=_ACTOR, name=name)
        except (ValidationError, IntegrityError) as error:
            report.refuse("collection", name, _sentence(error))
            return
        report.count("collections created")
    places.collections[number] = 0 if found._state.adding else found.pk


def _move_client(account: Account, source: str, places: Places, report: Report) -> None:
    try:
        if report.dry_run:
            places.clients[account.id] = _foreseen(account, report)
        else:
            with transaction.atomic():
                client = _written(account, source, report)
                _grant(client, account, places.collections)
            places.clients[account.id] = client.pk
    except (ValidationError, IntegrityError) as error:
        report.refuse("client", account.username, _sentence(error))
        return
    _remark(account, report)


def _foreseen(account: Account, report: Report) -> int:
    user = User.objects.filter(username=account.username).first()
    if user is None:
        _client_of(account, User(username=account.username)).full_clean(exclude=["user"])
        report.count("clients created")
        return 0
    return _known(account, user).pk


def _written(account: Account, source: str, report: Report) -> Client:
    user = User.objects.select_for_update().filter(username=account.username).first()
    if user is None:
        return _created(account, source, report)
    client = _known(account, user)
    moved = MovedAccount.objects.filter(user=user).first()
    if moved is None:
        report.remark(
            "client", account.username, "It was here before; it keeps what it has here, and its password."
        )
    elif moved.fingerprint != account.fingerprint:
        _fill(user, account)
        user.save()
        for name in ("provider_url", "domain"):
            setattr(client, name, getattr(_client_of(account, user), name))
        client.full_clean(exclude=["user"])
        client.save()
        MovedAccount.objects.filter(user=user).update(fingerprint=account.fingerprint)
        audit.record("client.move", subject=f"user {user}", actor=_ACTOR, source=source, again=True)
        report.count("clients updated")
    return client


def _known(account: Account, user: User) -> Client:
    """The client of that name here, if it is the same one. Raises `ValidationError`."""
    client = Client.objects.filter(user=user).first()
    wanted = _client_of(account, user).provider_url
    if client is None or (not hasattr(user, "moved") and client.provider_url != wanted):
        raise ValidationError("There is another user of that name here; rename one of the two.")
    return client


def _created(account: Account, source: str, report: Report) -> Client:
    user = User(username=account.username)
    _fill(user, account)
    user.date_joined = account.date_joined
    user.full_clean(exclude=["password"])
    client = _client_of(account, user)
    client.full_clean(exclude=["user", "id"])
    user.save(force_insert=True)
    client.save(force_insert=True)
    MovedAccount.objects.create(user=user, source=source, fingerprint=account.fingerprint)
    audit.record(
        "client.move", subject=f"user {user}", actor=_ACTOR, source=source, provider_url=client.provider_url
    )
    report.count("clients created")
    return client


def _fill(user: User, account: Account) -> None:
    """What is a person's; never a privilege."""
    for name in ("password", "first_name", "last_name", "email", "is_active"):
        setattr(user, name, getattr(account, name))


def _client_of(account: Account, user: User) -> Client:
    """The number stays where it is free, because lists tell it."""
    free = not Client.objects.filter(pk=account.id).exists()
    url = account.provider_url or (f"https://{account.domain}/" if account.domain else "")
    return Client(pk=account.id if free else None, user=user, provider_url=url, domain=account.domain)


def _grant(client: Client, account: Account, collections: Mapping[int, int]) -> None:
    Membership.objects.bulk_create(
        [
            Membership(client=client, collection_id=collections[number])
            for number in account.collections
            if number in collections
        ],
        ignore_conflicts=True,
    )


def _remark(account: Account, report: Report) -> None:
    if account.is_privileged:
        report.remark("client", account.username, "It is an administrator there; it has no such rights here.")
    if not is_password_usable(account.password) or not account.password:
        report.remark(
            "client",
            account.username,
            "It has no password there (an identity provider vouches): set one with `manage.py user set-password`, "
            "or let it log in by the provider.",
        )
        return
    try:
        identify_hasher(account.password)
    except ValueError:
        report.remark(
            "client",
            account.username,
            "Its password is kept in a form that cannot be checked here: set a new one.",
        )


def _mend_sequences() -> None:
    """Numbers that were given here are not given again."""
    for model in (Collection, Client):
        advance(model._meta.db_table, 0)


def advance(table: str, least: int) -> None:
    """Let the next number of a table be above all that it has, and above ``least``; never lower than it would be."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT setval(s.name, greatest((SELECT max(id) FROM {table}), %s, pg_sequence_last_value(s.name)))"  # noqa: S608
            " FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name) s"
            f" WHERE greatest((SELECT max(id) FROM {table}), %s) > coalesce(pg_sequence_last_value(s.name), 0)",
            [least, table, least],
        )


def _sentence(error: ValidationError | IntegrityError) -> str:
    messages: Sequence[str] = error.messages if isinstance(error, ValidationError) else [str(error).strip()]
    return " ".join(messages)
