"""What every page shares: who looks at it, and where else they may go."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from deposit.actors import Actor, AnonymousActor, Channel, acting
from deposit.authentication.addresses import client_address
from deposit.authentication.sessions import session_actor
from deposit.permissions import UNKNOWN_DEPOSIT, Operation, may_service
from deposit.refusals import Refusal

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """Who has logged in, in the dashboard; one per request, for it remembers what was asked of it."""
    actor: Actor | None = getattr(request, "dashboard_actor", None)
    if actor is None:
        actor = session_actor(request, Channel.DASHBOARD)
        request.dashboard_actor = actor  # type: ignore[attr-defined]
    return actor


def page(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page for those who have logged in; the view is told who acts, and so is the history."""

    @wraps(view)
    def inside(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _shown(view, request, actor_of(request), *args, **kwargs)

    guarded: Any = login_required(cast(Any, inside))
    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", guarded)


def open_page(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page of what may be public: who has not logged in reads as anybody, or is asked to log in."""

    @wraps(view)
    def inside(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return _shown(view, request, actor_of(request), *args, **kwargs)
        anybody = AnonymousActor(channel=Channel.DASHBOARD, address=client_address(request.META))
        try:
            return _shown(view, request, anybody, *args, **kwargs)
        except Refusal as refusal:
            # The same for what is missing and for what is not for everybody.
            if refusal.code != UNKNOWN_DEPOSIT:
                raise
            return redirect_to_login(request.get_full_path())

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", inside)


def _shown(
    view: View[P], request: HttpRequest, actor: Actor, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    with acting(actor):
        response = view(request, actor, *args, **kwargs)
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private, no-cache"
    return response


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuItem:
    """One way to go."""

    label: str
    url: str
    current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what the frame around every page needs."""
    context: dict[str, Any] = {"service_title": settings.SERVICE_TITLE, "banner": settings.BANNER}
    # DRF's requests have no user where nobody is asked for credentials.
    user: User | AnonymousUser | None = request.user
    if user is not None and user.is_authenticated:
        context["menu"] = SimpleLazyObject(lambda: _menu(request))
    return context


def _menu(request: HttpRequest) -> list[MenuItem]:
    actor = actor_of(request)
    entries = [(_("Deposits"), "dashboard:deposits", True)]
    entries.append((_("Upload"), "dashboard:upload", actor.client is not None))
    entries.append((_("Is it stored?"), "dashboard:stored", True))
    entries.append((_("Packages"), "dashboard:packages", True))
    entries.append((_("Withdrawals"), "dashboard:deletions", True))
    entries.append((_("Figures"), "dashboard:figures", True))
    operates = may_service(actor, Operation.SEE_QUEUES)
    entries.append((_("Overview"), "dashboard:overview", operates))
    entries.append((_("Sources"), "dashboard:sources", operates))
    entries.append((_("Deliveries"), "dashboard:deliveries", operates))
    entries.append((_("Pipelines"), "dashboard:pipelines", operates))
    entries.append((_("Batches"), "dashboard:batches", operates))
    entries.append((_("Queue"), "dashboard:queue", operates))
    entries.append((_("Fixity"), "dashboard:fixity", operates))
    entries.append((_("Museum"), "museum:overview", operates and bool(settings.MUSEUMPLUS_URL)))
    entries.append((_("Administration"), "admin:index", bool(actor.user and actor.user.is_staff)))
    return [
        MenuItem(label=label, url=reverse(name), current=request.path.startswith(reverse(name)))
        for label, name, shown in entries
        if shown
    ]
