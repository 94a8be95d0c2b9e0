"""The pages before and around the deposits: welcome, log-in, help."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.labels import STATUS_LABELS, STATUS_WORDS
from deposit.authentication.browser import depart
from deposit.authentication.provider import provider


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What this is; for those who have logged in, their deposits."""
    if request.user.is_authenticated:
        return redirect("dashboard:deposits")
    return render(request, "dashboard/home.html")


class LogIn(LoginView):
    """Name and password, or the identity provider."""

    template_name = "dashboard/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Whether there is an identity provider to go to."""
        return super().get_context_data(**context) | {"identity_provider": provider() is not None}


@never_cache
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """Log out. Who came by way of the identity provider is told how to log out there as well.

    By a link, not by a redirect: the policy of our pages lets no form end up elsewhere.
    """
    address = depart(request, reverse("dashboard:home"))
    if address is None:
        return redirect("dashboard:home")
    return render(request, "dashboard/logged_out.html", {"address": address})


@require_GET
def how_to(request: HttpRequest) -> HttpResponse:
    """How to deposit, with the addresses of this very service."""
    statuses = [(label, STATUS_WORDS[value]) for value, label in STATUS_LABELS.items()]
    context = {"base_url": request.build_absolute_uri("/"), "statuses": statuses}
    return render(request, "dashboard/help.html", context)
