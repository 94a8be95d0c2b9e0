"""``/metrics`` in the text format of Prometheus.

Requests are counted by every web process (added up through files when gunicorn runs several); everything else is
read from the record when it is asked for, so it is true whichever process answers.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from deposit.monitoring import deliveries
from deposit.monitoring.alerts import ERROR, WARNING, Alert, alerts
from deposit.monitoring.health import is_insider
from deposit.monitoring.heartbeats import QUEUES, Worker, alive
from deposit.monitoring.snapshot import Snapshot, deposits_by_status, read_snapshot
from deposit.queue import reading

REQUESTS = Counter("deposit_http_requests", "Requests answered.", ["method", "view", "status"])
SECONDS = Histogram(
    "deposit_http_request_seconds",
    "How long requests took, uploads included.",
    ["method", "view"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
)
RECEIVED = Counter("deposit_http_received_bytes", "Bytes of the bodies of accepted requests.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def count_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count an answered request, by view rather than by path: paths have no end."""
    match = request.resolver_match
    view = (match.view_name or "unnamed") if match else "none"
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(method, view, str(status)).inc()
    SECONDS.labels(method, view).observe(seconds)
    length = request.META.get("CONTENT_LENGTH") or ""
    if status < 300 and length.isdecimal():
        RECEIVED.inc(int(length))


# What other applications measure; each registers itself when it is ready.
_others: list[Callable[[], Iterable[Metric]]] = []


def register(source: Callable[[], Iterable[Metric]]) -> None:
    """Let metrics of another application stand among these."""
    if source not in _others:
        _others.append(source)


class ServiceCollector(Collector):
    """The state of the service, read when asked."""

    def collect(self) -> Iterable[Metric]:
        """All figures; only ``deposit_database_up 0`` when the database is away."""
        up = GaugeMetricFamily("deposit_database_up", "1 when the database answers.")
        began = time.monotonic()
        try:
            snapshot = read_snapshot()
            numbers = deposits_by_status(snapshot)
            wrong = alerts(snapshot)
            others = [metric for other in (deliveries.metrics, *_others) for metric in other()]
            work = reading.counted()
        except Error:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        taken = _gauge(
            "deposit_metrics_seconds", "How long reading the figures took.", time.monotonic() - began
        )
        return [
            up,
            taken,
            *_deposits(snapshot, numbers),
            *_work(work),
            _workers(snapshot.workers),
            *_alerts(wrong),
            *_archive(snapshot),
            *_space(snapshot),
            *_sessions(snapshot),
            *others,
        ]


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _deposits(snapshot: Snapshot, numbers: dict[str, int]) -> Iterable[Metric]:
    number = GaugeMetricFamily("deposit_deposits", "Deposits by status.", labels=["status"])
    for status, count in numbers.items():
        number.add_metric([status], count)
    oldest = GaugeMetricFamily(
        "deposit_oldest_waiting_seconds", "Age of the longest waiting deposit, by status.", labels=["status"]
    )
    leases = GaugeMetricFamily("deposit_leases", "Work in the hands of workers, by state.", labels=["state"])
    for status, waiting in snapshot.waiting.items():
        oldest.add_metric([status], waiting.oldest)
    leases.add_metric(["held"], sum(each.leased for each in snapshot.waiting.values()))
    leases.add_metric(["lapsed"], sum(each.lapsed for each in snapshot.waiting.values()))
    text = "1 when a dispatcher leads."
    return [number, oldest, leases, _gauge("deposit_dispatcher_up", text, snapshot.has_dispatcher)]


def _work(work: Iterable[reading.Counted]) -> Iterable[Metric]:
    number = GaugeMetricFamily("deposit_work_items", "Open work by kind and state.", labels=["kind", "state"])
    failed = GaugeMetricFamily("deposit_work_failed", "Open work that failed before.", labels=["kind"])
    longest = GaugeMetricFamily(
        "deposit_work_overdue_seconds", "For how long the oldest unclaimed work is due.", labels=["kind"]
    )
    for one in work:
        for state in reading.State:
            number.add_metric([one.kind, state.value], getattr(one, state.value))
        failed.add_metric([one.kind], one.failed)
        longest.add_metric([one.kind], one.longest_seconds)
    return [number, failed, longest]


def _workers(known: Iterable[Worker]) -> Metric:
    number = GaugeMetricFamily(
        "deposit_workers", "Workers that were heard within a minute.", labels=["queue"]
    )
    for queue in QUEUES:
        number.add_metric([queue], alive(known, queue))
    return number


def _alerts(wrong: Sequence[Alert]) -> Iterable[Metric]:
    """The list that the overview shows, so that alert rules have nothing to judge again."""
    each = GaugeMetricFamily(
        "deposit_alert", "1 for each thing that is wrong with the service.", labels=["code", "severity"]
    )
    # A code may be told more than once, of two disks say; the worst counts.
    worst: dict[str, str] = {}
    for alert in wrong:
        worst.setdefault(alert.code, alert.severity)
    for code, severity in worst.items():
        each.add_metric([code, severity], 1)
    number = GaugeMetricFamily("deposit_alerts", "Things that are wrong, by severity.", labels=["severity"])
    for severity in (ERROR, WARNING):
        number.add_metric([severity], sum(alert.severity == severity for alert in wrong))
    return [each, number]


def _archive(snapshot: Snapshot) -> Iterable[Metric]:
    yield _gauge("deposit_archive_bytes", "Bytes in the packs of the archive.", snapshot.archive_bytes)
    yield _gauge("deposit_archive_packs", "Packs of the archive.", snapshot.packs)
    yield _gauge("deposit_archive_damaged_packs", "Packs known to be damaged.", snapshot.damaged_packs)
    text = "Packs that were merged into others, or written anew without what was erased."
    yield _gauge("deposit_archive_replaced_packs", text, snapshot.replaced_packs)
    text = "Files of replaced packs that are still to be removed."
    yield _gauge("deposit_archive_packs_to_remove", text, snapshot.packs_to_remove)
    text = "Packs that may hold what was erased, and are to be written anew."
    yield _gauge("deposit_archive_packs_to_erase", text, snapshot.packs_to_erase)
    if snapshot.rewritten_age is not None:
        text = "Since packs were last merged or written anew."
        yield _gauge("deposit_archive_rewritten_age_seconds", text, snapshot.rewritten_age)
    yield _gauge("deposit_archive_fixity_checks", "Fixity checks so far.", snapshot.fixity_checks)
    text = "Since the pack was read that was not read for longest."
    yield _gauge("deposit_archive_unread_seconds", text, snapshot.unread)
    if snapshot.fixity_age is not None:
        yield _gauge(
            "deposit_archive_fixity_age_seconds", "Since the last fixity check.", snapshot.fixity_age
        )


def _space(snapshot: Snapshot) -> Iterable[Metric]:
    free = GaugeMetricFamily("deposit_disk_free_bytes", "Free bytes, by folder.", labels=["folder"])
    total = GaugeMetricFamily("deposit_disk_total_bytes", "Size of the disk, by folder.", labels=["folder"])
    for folder, space in snapshot.space.items():
        free.add_metric([folder], space.free)
        total.add_metric([folder], space.total)
    return [free, total]


def _sessions(snapshot: Snapshot) -> list[Metric]:
    if snapshot.sessions is None:
        return []
    used = GaugeMetricFamily(
        "deposit_database_sessions",
        "Sessions of the database server, by kind of process.",
        labels=["process"],
    )
    for process, number in snapshot.sessions.used.items():
        used.add_metric([process], number)
    text = "Sessions that the database server gives to all."
    wanted = "Sessions that the service may ask for."
    return [
        used,
        _gauge("deposit_database_sessions_limit", text, snapshot.sessions.limit),
        _gauge("deposit_database_sessions_wanted", wanted, snapshot.sessions.wanted),
    ]


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for insiders; others learn nothing, not even that there are any."""
    if not is_insider(request):
        return HttpResponse("There is nothing at this address.\n", status=404, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(ServiceCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry)
    else:
        text = generate_latest(registry) + generate_latest(REGISTRY)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
