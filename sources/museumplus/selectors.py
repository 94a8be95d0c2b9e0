"""What pages and the API show of the museum: counts per step, objects, packages, the queues."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob

STEPS = (
    "pending",
    "download_object",
    "create_sip",
    "submit_sip",
    "confirm_sip",
    "submitted",
    "preserved",
    "rejected",
    "frozen",
    "failed",
)
PAGE_SIZE = 20
_MAX_PAGE_SIZE = 500

# Each object is counted once, for the first that holds. The rule of what is due is that of ``pending``, to which a
# test compares it: here it is asked of all objects in one pass.
_COUNTS = """
SELECT step, count(*) FROM (
    SELECT CASE
        WHEN job.state = 'failed' THEN 'failed'
        WHEN job.queue IS NOT NULL THEN job.queue
        WHEN object.frozen THEN 'frozen'
        WHEN package.uploaded AND NOT package.preserved AND NOT package.rejected THEN 'submitted'
        WHEN object.metadata_hash IS NOT NULL AND object.attachment_metadata_hash IS NOT NULL AND (
            (package.id IS NULL AND (object.created_date IS NULL OR object.created_date < %(created)s))
            OR (package.id IS NOT NULL
                AND package.object_modified_date IS DISTINCT FROM object.modified_date
                AND (package.object_modified_date IS NULL OR package.object_modified_date < %(packaged)s)
                AND (package.metadata_hash IS DISTINCT FROM object.metadata_hash
                     OR package.attachment_metadata_hash IS DISTINCT FROM object.attachment_metadata_hash))
            OR package.cancelled
        ) THEN 'pending'
        WHEN package.rejected THEN 'rejected'
        WHEN object.preserved THEN 'preserved'
        ELSE 'waiting'
    END AS step
    FROM museum_objects AS object
    LEFT JOIN museum_packages AS package ON package.id = object.latest_package_id
    LEFT JOIN museum_jobs AS job ON job.museum_object_id = object.id
) AS steps GROUP BY step
"""


def overview_stats() -> dict[str, Any]:
    """How many objects stand at each step, and how many there are in all; one pass over the table."""
    now = timezone.now()
    moments = {
        "created": now - timedelta(seconds=settings.PRESERVATION_DELAY),
        "packaged": now - timedelta(seconds=settings.UPDATE_DELAY),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, moments)
        counts = {str(step): int(count) for step, count in cursor.fetchall()}
    steps = {step: {"count": counts.get(step, 0)} for step in STEPS}
    return {"steps": steps, "total_count": sum(counts.values())}


def queue_stats() -> dict[str, Any]:
    """What waits and what is being done in each queue, and what failed in all."""
    rows = WorkflowJob.objects.values_list("queue", "state").annotate(count=Count("pk"))
    counts = {(queue, state): count for queue, state, count in rows}
    queues = {
        queue: {
            "pending": counts.get((queue, "pending"), 0),
            "processing": counts.get((queue, "started"), 0),
        }
        for queue in WorkflowJob.Queue.values
    }
    failed = sum(count for (_, state), count in counts.items() if state == "failed")
    return {"queues": queues, "failed": failed}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One page of a list; ``page_numbers`` are those worth a link."""

    results: list[dict[str, Any]]
    result_count: int
    page_numbers: list[int]
    page: int
    page_count: int

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return asdict(self)


def list_objects(
    *, frozen: bool | None = None, search: str = "", page: int = 1, limit: int = PAGE_SIZE, reason: str = ""
) -> Listed:
    """Objects by id; ``search`` is an id, or a part of title or reason."""
    objects = MuseumObject.objects.all()
    if frozen is not None:
        objects = objects.filter(frozen=frozen)
    if reason:
        objects = objects.filter(freeze_reason=reason)
    if search.strip().isdigit():
        objects = objects.filter(pk=int(search))
    elif search:
        objects = objects.filter(Q(title__icontains=search) | Q(freeze_reason__icontains=search))
    return _listed(objects.order_by("pk"), page, limit, _object_row)


def list_packages(
    *,
    states: frozenset[str] = frozenset(),
    only_latest: bool = False,
    search: str = "",
    page: int = 1,
    limit: int = PAGE_SIZE,
) -> Listed:
    """Packages, newest first. ``states``: ``preserved``, ``rejected``, ``processing``, ``cancelled``; none is all."""
    packages = MuseumPackage.objects.select_related("museum_object", "museum_object__job")
    if states and len(states) < 4:
        chosen = Q(pk__in=[])
        for state in states:
            chosen |= _STATES[state]
        packages = packages.filter(chosen)
    if only_latest:
        packages = packages.filter(museum_object__latest_package=F("pk"))
    if search.strip().isdigit():
        packages = packages.filter(museum_object=int(search))
    elif search:
        # Two searches, each by its own index: one condition over both tables would read all of both.
        named = MuseumPackage.objects.filter(sip_filename__icontains=search)
        titled = MuseumPackage.objects.filter(museum_object__title__icontains=search)
        packages = packages.filter(pk__in=named.values("pk").union(titled.values("pk")))
    return _listed(packages.order_by("-created_date", "-pk"), page, limit, package_row)


_STATES = {
    "cancelled": Q(cancelled=True),
    "preserved": Q(preserved=True, cancelled=False),
    "rejected": Q(rejected=True, cancelled=False),
    "processing": Q(preserved=False, rejected=False, cancelled=False),
}


def package_row(package: MuseumPackage) -> dict[str, Any]:
    """What a list tells of a package."""
    museum_object = package.museum_object
    job = getattr(museum_object, "job", None)
    is_latest = museum_object.latest_package_id == package.pk
    queues = [job.queue] + (["failed"] if job.state == "failed" else []) if job and is_latest else []
    return {
        "id": package.pk,
        "filename": package.sip_filename,
        "object_id": museum_object.pk,
        "title": museum_object.title,
        "status": package.status,
        "can_reenqueue": is_latest and package.rejected and job is None and not museum_object.frozen,
        "queues": queues,
        "uploaded": package.uploaded,
    }


def _object_row(item: MuseumObject) -> dict[str, Any]:
    return {
        "id": item.pk,
        "latest_package_id": item.latest_package_id,
        "title": item.title,
        "frozen": item.frozen,
        "source": item.freeze_source,
        "reason": item.freeze_reason,
    }


def _listed(rows: "QuerySet[Any]", page: int, limit: int, told: Any) -> Listed:
    pages = Paginator(rows, min(max(limit, 1), _MAX_PAGE_SIZE))
    shown = pages.get_page(page)
    around = pages.get_elided_page_range(shown.number, on_each_side=2, on_ends=1)
    return Listed(
        results=[told(row) for row in shown.object_list],
        result_count=pages.count,
        page_numbers=[number for number in around if isinstance(number, int)],
        page=shown.number,
        page_count=pages.num_pages,
    )
