"""Roles: who curates a collection, who operates, who administers."""

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from deposit import audit
from deposit.actors import Actor
from deposit.models import Collection, Curatorship
from deposit.permissions import Operation, Role, require_service
from deposit.services.accounts import AccountError

GROUPS = {Role.OPERATOR: "operators", Role.ADMINISTRATOR: "administrators"}


def make_groups() -> None:
    """The groups behind the roles, with their permissions; run after every migration."""
    deposits = Permission.objects.filter(content_type__app_label="deposit")
    accounts = Permission.objects.filter(content_type__app_label="auth")
    views = deposits.filter(codename__startswith="view_")
    packs = Permission.objects.filter(
        content_type__app_label="archive", codename__in=["view_pack", "view_fixitycheck"]
    )
    kept = {
        # An action of the admin site asks for the permission to change; what it may do the service decides.
        Role.OPERATOR: views.exclude(
            codename__in=["view_auditrecord", "view_apitoken", "view_idempotencykey"]
        )
        | deposits.filter(codename__in=["operate", "change_deposit"])
        | packs,
        Role.ADMINISTRATOR: deposits | accounts | packs,
    }
    for role, name in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*kept[role])


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise AccountError(
            f"There is no user {username}. `manage.py role create` makes one who deposits nothing."
        )
    return user


def _collection(name: str | None) -> Collection:
    collection = Collection.objects.filter(name=name or "").first()
    if collection is None:
        raise AccountError("Name the collection to curate. `manage.py collection list` shows them all.")
    return collection


def create_user(*, actor: Actor, username: str, password: str | None, email: str = "") -> User:
    """Make a user who deposits nothing: for a curator, operator or administrator. Raises `AccountError`."""
    require_service(actor, Operation.ADMINISTER)
    if User.objects.filter(username=username).exists():
        raise AccountError(f"User {username} exists already and was left as it is.")
    user = User(username=username, email=email)
    try:
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.full_clean()
    except ValidationError as error:
        raise AccountError(" ".join(error.messages)) from error
    with transaction.atomic():
        user.save()
        audit.record("user.create", subject=f"user {username}", actor=actor)
    return user


def grant(*, actor: Actor, username: str, role: Role, collection: str | None = None) -> User:
    """Give a user a role; a curator's is for one collection. Twice is no error. Raises `AccountError`, `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    user = _user(username)
    with transaction.atomic():
        if role is Role.CURATOR:
            Curatorship.objects.get_or_create(user=user, collection=_collection(collection))
        elif role in GROUPS:
            user.groups.add(Group.objects.get(name=GROUPS[role]))
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        else:
            raise AccountError("Depositors are made with: manage.py user create, or manage.py user grant.")
        audit.record(
            "role.grant", subject=f"user {username}", actor=actor, role=role, collection=collection or ""
        )
    return user


def withdraw(*, actor: Actor, username: str, role: Role, collection: str | None = None) -> User:
    """Take a role from a user. Raises `AccountError`, `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    user = _user(username)
    with transaction.atomic():
        if role is Role.CURATOR:
            Curatorship.objects.filter(user=user, collection=_collection(collection)).delete()
        elif role in GROUPS:
            user.groups.remove(*Group.objects.filter(name=GROUPS[role]))
            user.is_staff = user.is_superuser or user.groups.filter(name__in=GROUPS.values()).exists()
            user.save(update_fields=["is_staff"])
        else:
            raise AccountError("Depositors lose a collection with: manage.py user revoke.")
        audit.record(
            "role.withdraw", subject=f"user {username}", actor=actor, role=role, collection=collection or ""
        )
    return user
