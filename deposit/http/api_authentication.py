"""Who calls the API: by an Authorization header, or by the session of the browser that reads its pages."""

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from deposit.actors import Actor, become
from deposit.authentication import Authenticator
from deposit.authentication.sessions import session_actor
from deposit.membership import mediated


class ApiAuthenticator(Authenticator):
    """An Authorization header always decides; without one a session does, and is guarded against forged requests."""

    def authenticate(self, request: Request) -> tuple[User, Actor]:
        """The user and actor of a request, which may be on behalf of another client. Raises `Refusal`."""
        user, actor = self._let_in(request)
        owner = request.META.get("HTTP_ON_BEHALF_OF", "").strip()
        if owner:
            actor = mediated(actor, owner, None)
            become(actor)
        return user, actor

    def _let_in(self, request: Request) -> tuple[User, Actor]:
        if "HTTP_AUTHORIZATION" in request.META or not request._request.user.is_authenticated:
            return super().authenticate(request)
        SessionAuthentication().enforce_csrf(request)
        actor = session_actor(request._request, self.channel)
        assert actor.user is not None
        become(actor)
        return actor.user, actor


class ApiAuthenticatorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document tells of it."""

    target_class = "deposit.http.api_authentication.ApiAuthenticator"
    name = ["basic", "token"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Name and password, or a token."""
        return [{"type": "http", "scheme": "basic"}, {"type": "http", "scheme": "bearer"}]
