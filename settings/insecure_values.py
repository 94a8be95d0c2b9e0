"""What a production start refuses: settings with which the service would be open, or would lose work."""

import datetime
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET_KEY = 50
# As git writes who made a release: a name, and an address.
_AUTHOR = re.compile(r"[^<>\x00-\x1f\x7f]*[^<>\s\x00-\x1f\x7f] <[^<>@\s]+@[^<>@\s]+>")
BROKERS = ("amqp", "amqps", "redis", "rediss", "filesystem")


def refuse_insecure_values(
    *,
    embedded: bool,
    debug: bool,
    secret_key: str,
    allowed_hosts: Sequence[str],
    broker_url: str,
    by_reference_private: bool = False,
    identity_url: str = "",
    oidc_issuer: str = "",
    oidc_client_id: str = "",
    oidc_secret_expires: str = "",
    bind: str = "",
    authority_url: str = "",
    release_author: str = "",
) -> None:
    """Raise ImproperlyConfigured that names every variable with an insecure value, and what to set instead.

    The embedded run listens on loopback only and writes its own secrets, so it may be laxer in a few points.
    """
    wrong = []
    if "*" in allowed_hosts:
        wrong.append("ALLOWED_HOSTS contains '*': list the names under which clients reach this service.")
    if broker_url.partition(":")[0] not in BROKERS:
        wrong.append(
            f"CELERY_BROKER_URL: {broker_url.partition(':')[0]!r} is not one of {', '.join(BROKERS)}."
        )
    if by_reference_private and not embedded:
        wrong.append(
            "BY_REFERENCE_PRIVATE is for tests: with it, depositors reach the machines inside your network. Unset it."
        )
    wrong += _wrong_provider(
        identity_url, oidc_issuer, oidc_client_id, oidc_secret_expires, embedded=embedded
    )
    if embedded and not _is_loopback(bind):
        wrong.append(
            f"DEPOSIT_EMBEDDED=true is for one machine, and BIND is {bind}: set DEPOSIT_EMBEDDED=false, which asks for "
            "what a service on a network needs, or BIND=127.0.0.1:8080."
        )
    if not embedded:
        wrong += _wrong_in_production(debug, secret_key, allowed_hosts, broker_url)
        wrong += _wrong_provenance(authority_url)
    if not _AUTHOR.fullmatch(release_author) and (release_author or not embedded):
        wrong.append(
            "RELEASE_AUTHOR is not set to a name and an address, such as 'Archive of Example <archive@example.org>': "
            "it signs every release, and is part of its identifier for ever. "
            "(Until version 1.0 the default was 'Software Heritage <robot@softwareheritage.org>'.)"
        )
    if wrong:
        raise ImproperlyConfigured("Refusing to start:\n" + "\n".join(f"- {reason}" for reason in wrong))


def _wrong_provider(
    keycloak: str, issuer: str, client_id: str, secret_expires: str, *, embedded: bool
) -> list[str]:
    wrong = [
        f"{name} is plain http: passwords would cross the network in clear. Use https."
        for name, address in (("KEYCLOAK_SERVER_URL", keycloak), ("OIDC_ISSUER", issuer))
        if address.startswith("http:") and not embedded
    ]
    if keycloak and issuer:
        wrong.append(
            "KEYCLOAK_SERVER_URL and OIDC_ISSUER are both set: there is one identity provider. Unset one."
        )
    if issuer and not client_id:
        wrong.append("OIDC_CLIENT_ID is not set: it is what the identity provider knows this service as.")
    try:
        datetime.date.fromisoformat(secret_expires or "2000-01-01")
    except ValueError:
        wrong.append(f"OIDC_SECRET_EXPIRES is {secret_expires!r}, and must be a day, such as 2027-05-31.")
    return wrong


def _is_loopback(bind: str) -> bool:
    """Whether only this machine reaches an address of gunicorn's: `host:port`, `[host]:port` or `unix:path`."""
    if not bind or bind.startswith("unix:"):
        return True
    host = bind.rpartition(":")[0].strip("[]") if ":" in bind else bind
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong_in_production(
    debug: bool, secret_key: str, allowed_hosts: Sequence[str], broker_url: str
) -> list[str]:
    wrong = []
    if len(secret_key) < SHORTEST_SECRET_KEY or len(set(secret_key)) < 10 or "insecure" in secret_key:
        wrong.append(
            f"SECRET_KEY is short or guessable: set {SHORTEST_SECRET_KEY} random characters or more, "
            "for example from `openssl rand -base64 48`."
        )
    if debug:
        wrong.append("DEBUG is on: it shows settings and source to anyone who meets an error. Unset it.")
    if not allowed_hosts:
        wrong.append("ALLOWED_HOSTS is empty: list the names under which clients reach this service.")
    if broker_url.startswith("filesystem:"):
        wrong.append(
            "CELERY_BROKER_URL is the file system, which serves one machine only: set an amqp:// or redis:// URL, "
            "or DEPOSIT_EMBEDDED=true for a one-machine trial."
        )
    return wrong


def _wrong_provenance(authority_url: str) -> list[str]:
    """What is recorded of each deposit for ever must name this service, not whoever forgot to say so."""
    address = urlsplit(authority_url)
    if address.scheme in ("http", "https") and address.hostname and not _is_of_this_machine(address.hostname):
        return []
    return [
        "AUTHORITY_URL is not set to the public address of this service, such as https://deposit.example.org/: it is "
        "recorded with every deposit, as who vouches for it."
    ]


def _is_of_this_machine(host: str) -> bool:
    return _is_loopback(f"[{host}]:80" if ":" in host else f"{host}:80")
