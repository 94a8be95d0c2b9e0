"""The OpenAPI document and the page that shows it; both are for everybody, for they tell nothing but the form."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from deposit.api.problems import PROBLEM

# Swagger's styles are partly inline; its scripts are files of ours.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def only_api(endpoints: list[tuple[str, str, str, Any]], **kwargs: Any) -> list[tuple[str, str, str, Any]]:
    """A hook of drf-spectacular: SWORD documents itself elsewhere."""
    return [one for one in endpoints if one[0].startswith("/api/") and one[0] != "/api/"]


class Schema(SpectacularAPIView):
    """The document."""

    authentication_classes: Any = []
    permission_classes: Any = []
    renderer_classes: Any = [OpenApiJsonRenderer]


class Documentation(SpectacularSwaggerSplitView):
    """The page, with forms to try each endpoint out."""

    authentication_classes: Any = []
    permission_classes: Any = []
    renderer_classes: Any = [TemplateHTMLRenderer]
    url_name = "api:schema"
    url_self = None
    title = "JSON API"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The page, or its script."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response["Content-Security-Policy"] = _POLICY
        return response


def unknown(request: HttpRequest) -> JsonResponse:
    """Any other path below ``/api/``."""
    members = {
        "title": "Not Found",
        "status": 404,
        "code": "path.unknown",
        "detail": "There is nothing at this address.",
        "hint": "/api/ lists what there is.",
    }
    return JsonResponse(members, status=404, content_type=PROBLEM)


unknown.csrf_exempt = True  # type: ignore[attr-defined]
