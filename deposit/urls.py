"""The paths that the deposit room serves."""

from django.urls import include, path

from deposit.access.views import ArchiveView
from deposit.health import healthz, readyz
from deposit.metrics import metrics

urlpatterns = [
    path("1/", include("deposit.sword.urls")),
    path("api/", include("deposit.api.urls")),
    path("archive/<str:swhid>/", ArchiveView.as_view(), name="archive-object"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
