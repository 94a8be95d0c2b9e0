"""Applies migrations and makes the demo clients and an administrator. Run by ``embedded.run`` as a process.

Standard input: JSON, a list of clients as ``embedded.demo.Client`` has them. Standard output: JSON, the
password of the administrator if one was made now, else null. Safe to run again: what exists is kept, except
that a demo client gets the password that ``demo.env`` tells.
"""

import json
import secrets
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from deposit.models import Client, Collection  # noqa: E402

ADMIN = "admin"


def seed_client(*, username: str, password: str, collection: str, provider_url: str, domain: str) -> None:
    """Make a client with its collection unless they are there."""
    user, _ = get_user_model().objects.get_or_create(username=username)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    client, _ = Client.objects.get_or_create(
        user=user, defaults={"provider_url": provider_url, "domain": domain}
    )
    client.collections.add(Collection.objects.get_or_create(name=collection)[0])


def seed_administrator() -> str | None:
    """Make an administrator if there is none; returns the password, which is stored nowhere in clear."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMIN, password=password)
    return password


if __name__ == "__main__":
    call_command("migrate", interactive=False, verbosity=0)
    with transaction.atomic():
        for fields in json.load(sys.stdin):
            seed_client(**fields)
        print(json.dumps(seed_administrator()))
