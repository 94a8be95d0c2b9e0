"""Whether the service is alive and ready, for runners, load balancers and monitoring.

``/healthz``: restart me if not. ``/readyz``: send me no deposits if not. Neither tells strangers more than one word.
"""

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from deposit.monitoring.alerts import disk_alerts
from deposit.monitoring.snapshot import read_space
from deposit.monitoring.thresholds import Thresholds


def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the web process answers and reaches its database, else 503."""
    if not _database_answers():
        return JsonResponse({"status": "unavailable", "database": "away"}, status=503)
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when a deposit would be taken in at this moment, else 503; insiders are told why not."""
    reasons = list(_reasons())
    answer: dict[str, object] = {"status": "unavailable" if reasons else "ok"}
    if is_insider(request):
        answer["reasons"] = reasons
    return JsonResponse(answer, status=503 if reasons else 200)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _reasons() -> Iterator[str]:
    if not _database_answers():
        yield "The database is away."
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield "The database lacks migrations of this release: run `manage.py migrate`."
    for alert in disk_alerts(read_space(), Thresholds.of_settings()):
        if alert.refuses_uploads:
            yield alert.sentence


def is_insider(request: HttpRequest) -> bool:
    """Whether to show metrics and reasons: to who knows METRICS_TOKEN, or, where none is set, to this machine.

    A request that a proxy passed on does not come from this machine, whatever its address says.
    """
    if settings.METRICS_TOKEN:
        given = request.META.get("HTTP_AUTHORIZATION", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(request.META.get(f"HTTP_{name}") for name in ("X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA")):
        return False
    address = request.META.get("REMOTE_ADDR", "")
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
