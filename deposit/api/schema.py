"""The OpenAPI document and the page that shows it; both are for everybody, for they tell nothing but the form."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer

from deposit import __version__
from deposit.http.problems import PROBLEM


def only_api(endpoints: list[tuple[str, str, str, Any]], **kwargs: Any) -> list[tuple[str, str, str, Any]]:
    """A hook of drf-spectacular: SWORD documents itself elsewhere."""
    return [one for one in endpoints if one[0].startswith("/api/") and one[0] != "/api/"]


def problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: whatever else any endpoint answers is a problem document."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", {"description": "A refusal.", "content": content})
    return result


def versioned(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: the document is that of this release."""
    result["info"]["version"] = __version__
    return result


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
    # The library's own has styles within, which the policy of our pages forbids.
    template_name = "api/docs.html"


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
