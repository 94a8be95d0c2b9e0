"""Logging in with a browser at the identity provider: OpenID Connect, authorization code with PKCE (RFC 7636)."""

import base64
import hashlib
import hmac
import secrets

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from deposit import audit
from deposit.authentication.addresses import client_address
from deposit.authentication.claims_mapping import user_of
from deposit.authentication.headers import bad_token
from deposit.authentication.provider import provider
from deposit.refusals import Refusal

# What a browser that is on its way must bring back.
_JOURNEY = "identity_journey"
_BACKEND = "deposit.authentication.sessions.PasswordBackend"
# That the provider vouched for whoever has the session; and for how long its word is taken, in seconds.
_VOUCHED = "identity_vouched"
_VOUCHED_SECONDS = 12 * 3600


@never_cache
@require_GET
def leave(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider; ``next`` is where it wants to be afterwards."""
    identity_provider = provider()
    if identity_provider is None:
        raise Http404
    journey = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    wanted = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    request.session[_JOURNEY] = journey | {"next": wanted if safe else ""}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(journey["verifier"].encode()).digest()).rstrip(b"=")
    try:
        address = identity_provider.log_in_address(
            _back(request), journey["state"], journey["nonce"], challenge.decode()
        )
    except Refusal as refusal:
        return _refusal_page(request, refusal)
    return redirect(address)


@never_cache
@require_GET
def arrive(request: HttpRequest) -> HttpResponse:
    """The browser comes back with a code: fetch the identity token for it, and log its user in."""
    identity_provider = provider()
    if identity_provider is None:
        raise Http404
    journey: dict[str, str] = request.session.pop(_JOURNEY, None) or {}
    try:
        if not _same(journey.get("state"), request.GET.get("state")) or "code" not in request.GET:
            raise bad_token("The log-in was broken off.")
        claims = identity_provider.claims_for_code(request.GET["code"], _back(request), journey["verifier"])
        if not _same(journey["nonce"], str(claims.get("nonce"))):
            raise bad_token("The log-in was broken off.")
        user = user_of(claims)
    except Refusal as refusal:
        return _refusal_page(request, refusal)
    login(request, user, backend=_BACKEND)
    audit.record(
        "user.log_in",
        subject=f"user {user.get_username()}",
        by="identity provider",
        address=client_address(request.META),
    )
    request.session[_VOUCHED] = True
    request.session.set_expiry(_VOUCHED_SECONDS)
    return redirect(journey.get("next") or resolve_url(settings.LOGIN_REDIRECT_URL))


def depart(request: HttpRequest, back: str) -> str | None:
    """Log out here; where to log out at the provider too, to come ``back``, for whom it had vouched."""
    identity_provider = provider() if request.session.get(_VOUCHED) else None
    logout(request)
    return identity_provider.log_out_address(request.build_absolute_uri(back)) if identity_provider else None


def _back(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("identity-arrive"))


def _same(mine: str | None, given: str | None) -> bool:
    return bool(mine and given and hmac.compare_digest(mine.encode(), given.encode()))


def _refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    messages.error(request, f"{refusal.summary} {refusal.hint}".strip())
    return redirect(settings.LOGIN_URL)
