"""The museum's endpoints: a view parses, calls one selector or service, renders. For operators."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from deposit.api.views import ApiView
from deposit.permissions import Operation, require_service
from deposit.refusals import Kind, Refusal
from sources.museumplus import logs, selectors
from sources.museumplus.heartbeats import heartbeats
from sources.museumplus.models import FreezeSource, MuseumObject, MuseumPackage
from sources.museumplus.workflow import enqueuing, freezing, queueing

_STATES = ("preserved", "rejected", "processing", "cancelled")


@extend_schema(exclude=True)
class MuseumView(ApiView):
    """What they share: operators look, operators act."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let operators in, and nobody else."""
        super().initial(request, *args, **kwargs)
        require_service(self.actor, Operation.SEE_QUEUES)


class StatsView(MuseumView):
    """Objects at each step."""

    def get(self, request: Request) -> Response:
        """Counts."""
        return Response(selectors.overview_stats())


class QueuesView(MuseumView):
    """The queues."""

    def get(self, request: Request) -> Response:
        """What waits, what is being done, what failed."""
        return Response(selectors.queue_stats())


class HeartbeatsView(MuseumView):
    """Recurring runs."""

    def get(self, request: Request) -> Response:
        """When each was last heard."""
        return Response({beat.source: {"at": beat.at, "status": beat.status} for beat in heartbeats()})


class ObjectsView(MuseumView):
    """Objects, frozen or not."""

    def get(self, request: Request) -> Response:
        """A page of them."""
        asked = request.query_params
        frozen = {"1": True, "true": True, "0": False, "false": False}.get(asked.get("frozen", ""))
        listed = selectors.list_objects(
            frozen=frozen,
            search=asked.get("search", ""),
            reason=asked.get("reason", ""),
            page=number(asked.get("page"), 1),
            limit=number(asked.get("limit"), selectors.PAGE_SIZE),
        )
        return Response(listed.as_json())


class PackagesView(MuseumView):
    """Packages."""

    def get(self, request: Request) -> Response:
        """A page of them, newest first."""
        asked = request.query_params
        listed = selectors.list_packages(
            states=frozenset(state for state in _STATES if is_true(asked.get(state))),
            only_latest=is_true(asked.get("only_latest")),
            search=asked.get("search", ""),
            page=number(asked.get("page"), 1),
            limit=number(asked.get("limit"), selectors.PAGE_SIZE),
        )
        return Response(listed.as_json())


class LogsView(MuseumView):
    """Logs of a package."""

    def get(self, request: Request, package_id: str) -> Response:
        """Their names."""
        return Response({"logs": logs.log_filenames(package_or_404(package_id))})


class LogView(MuseumView):
    """One log."""

    def get(self, request: Request, package_id: str, name: str) -> HttpResponse:
        """Its text; a report in HTML can do nothing here."""
        try:
            content = logs.log_content(package_or_404(package_id), name)
        except FileNotFoundError:
            raise Refusal(
                Kind.NOT_FOUND,
                "museum.log",
                "The package has no log of this name.",
                "Ask for the list of its logs.",
            ) from None
        answer = HttpResponse(content.decode("utf-8", "replace"), content_type="text/plain; charset=utf-8")
        answer["Content-Security-Policy"] = "sandbox"
        answer["X-Content-Type-Options"] = "nosniff"
        return answer


class FreezeView(MuseumView):
    """Freezing."""

    def post(self, request: Request) -> Response:
        """``object_ids``, ``reason``."""
        ids, reason = ids_in(sent(request).get("object_ids")), str(sent(request).get("reason") or "").strip()
        if not reason:
            raise Refusal(Kind.BAD_REQUEST, "museum.reason", "Objects are frozen for a reason.", "Send one.")
        try:
            frozen = freezing.freeze_objects(ids or [], reason=reason, source=FreezeSource.USER)
        except (freezing.UnknownObjects, freezing.WorkflowJobRunningError) as refused:
            return Response(
                {"success": False, "error": str(refused), "object_ids": refused.object_ids}, status=409
            )
        return Response({"success": True, "count": frozen.frozen, "cancelled": frozen.cancelled})


class UnfreezeView(MuseumView):
    """Unfreezing."""

    def post(self, request: Request) -> Response:
        """``object_ids``, ``reason`` or both; ``enqueue``."""
        ids, reason = ids_in(sent(request).get("object_ids")), sent(request).get("reason") or None
        if ids is None and reason is None:
            raise Refusal(
                Kind.BAD_REQUEST,
                "museum.which",
                "Neither objects nor a reason are named.",
                "Send object_ids, reason or both.",
            )
        numbers = freezing.unfreeze_objects(
            reason=reason, object_ids=ids, enqueue=is_true(sent(request).get("enqueue"))
        )
        return Response({"success": True, "count": len(numbers)})


class EnqueueView(MuseumView):
    """Enqueuing."""

    def post(self, request: Request) -> Response:
        """``object_ids`` at once, or ``object_count`` in the background."""
        ids = ids_in(sent(request).get("object_ids"))
        if ids is not None:
            return Response({"success": True, "count": enqueuing.enqueue_objects(object_ids=ids).enqueued})
        count = number(sent(request).get("object_count"), 0)
        if count < 1:
            raise Refusal(
                Kind.BAD_REQUEST,
                "museum.count",
                "It is not said how many objects.",
                "Send object_count, at least 1.",
            )
        queueing.ask_for_enqueuing(count)
        return Response({"success": True, "asked_for": count}, status=202)


class ReenqueueView(MuseumView):
    """Enqueuing again what was rejected."""

    def post(self, request: Request, object_id: str) -> Response:
        """202, or 409 and why not."""
        try:
            enqueuing.reenqueue_object(int(object_id))
        except MuseumObject.DoesNotExist:
            raise Refusal(
                Kind.NOT_FOUND,
                "museum.object",
                f"There is no object {object_id}.",
                "Look for it in the list of objects.",
            ) from None
        except enqueuing.NotRejected as refused:
            return Response({"success": False, "error": str(refused)}, status=409)
        return Response({"success": True}, status=202)


class RetryView(MuseumView):
    """Trying again what failed."""

    def post(self, request: Request, object_id: str) -> Response:
        """202, or 409 when nothing has failed."""
        if queueing.retry(int(object_id)):
            return Response({"success": True}, status=202)
        return Response({"success": False, "error": "Nothing of this object has failed."}, status=409)


def sent(request: Request) -> dict[str, Any]:
    """The object that a request sent. Raises Refusal."""
    if isinstance(request.data, dict):
        return request.data
    raise Refusal(Kind.BAD_REQUEST, "museum.body", "The body is no JSON object.", "Send one JSON object.")


def package_or_404(package_id: str | int) -> MuseumPackage:
    """A package with its object. Raises Refusal."""
    package = (
        MuseumPackage.objects.select_related("museum_object", "museum_object__job")
        .filter(pk=int(package_id))
        .first()
    )
    if package is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "museum.package",
            "There is no such package.",
            "Look for it in the list of packages.",
        )
    return package


def ids_in(given: Any) -> list[int] | None:
    """Ids from a list, or from a text with commas, white space or line breaks between them. Raises Refusal."""
    if given is None or given == "":
        return None
    parts = given if isinstance(given, list) else str(given).replace(",", " ").split()
    try:
        return [int(part) for part in parts]
    except (TypeError, ValueError):
        raise Refusal(Kind.BAD_REQUEST, "museum.ids", "Ids are numbers.", "Send a list of numbers.") from None


def number(given: Any, default: int) -> int:
    """A number of a request, or the default."""
    text = str(given if given is not None else "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def is_true(given: Any) -> bool:
    """Whether a value of a request says yes."""
    return str(given).lower() in ("1", "true", "on", "yes")
