"""Who is asking: passwords, API tokens and the identity provider, wherever an Authorization header is taken."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from deposit.actors import Actor, Channel, become
from deposit.authentication.addresses import client_address
from deposit.authentication.claims_mapping import user_of
from deposit.authentication.headers import Bearer, read_authorization
from deposit.authentication.passwords import user_with_password
from deposit.authentication.provider import provider
from deposit.authentication.tokens import scopes_of, user_with_token
from deposit.refusals import BASIC
from deposit.token_format import PREFIX

__all__ = ["BASIC", "Authenticator", "SwordAuthenticator", "authenticate"]


def authenticate(meta: Mapping[str, Any], *, channel: Channel) -> Actor:
    """The actor behind the Authorization header of a request (``meta``: its WSGI variables). Raises `Refusal`."""
    address = client_address(meta)
    given = read_authorization(meta.get("HTTP_AUTHORIZATION", ""))
    if isinstance(given, Bearer):
        return _with_token(given.token, None, address, channel)
    # Clients that know Basic only may send a token where the password goes.
    if given.password.startswith(PREFIX):
        return _with_token(given.password, given.username, address, channel)
    return Actor(user=user_with_password(given, address=address), channel=channel, address=address)


def _with_token(text: str, username: str | None, address: str, channel: Channel) -> Actor:
    identity_provider = provider()
    if identity_provider and not text.startswith(PREFIX):
        claims = identity_provider.verify(text)
        identity_provider.require_role(claims)
        return Actor(user=user_of(claims), channel=channel, address=address)
    user, token = user_with_token(text, address=address, username=username)
    return Actor(user=user, channel=channel, address=address, token_id=token.pk, scopes=scopes_of(token))


class Authenticator(BaseAuthentication):
    """For DRF views: ``request.user`` is the user and ``request.auth`` the `Actor`; nobody passes without."""

    channel = Channel.API

    def authenticate(self, request: Request) -> tuple[User, Actor]:
        """The user and actor of a request. Raises `Refusal`."""
        actor = authenticate(request.META, channel=self.channel)
        assert actor.user is not None
        become(actor)
        return actor.user, actor

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says in WWW-Authenticate."""
        return BASIC


class SwordAuthenticator(Authenticator):
    """The same at the SWORD door."""

    channel = Channel.SWORD
