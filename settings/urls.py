"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path

from deposit.health import healthz

urlpatterns = [
    path("1/", include("deposit.sword.urls")),
    path("healthz", healthz),
    path("admin/", admin.site.urls),
]
