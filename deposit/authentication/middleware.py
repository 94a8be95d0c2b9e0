"""Every request begins with nobody acting, and who logged in with the browser acts in the pages' requests."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from deposit.actors import acting


class ActorMiddleware:
    """Forgets at the end of a request who acted in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let whoever authenticates act until the answer is there."""
        with acting(None):
            return self.get_response(request)
