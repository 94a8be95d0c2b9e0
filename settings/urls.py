"""Every path of the service: each room tells its own."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("loader.destinations.archivematica.urls")),
    path("api/", include("sources.batches.urls")),
    path("api/museum/", include("sources.museumplus.api.urls")),
    path("museum/", include("dashboard.museum.urls")),
    path("api/", include("sources.urls")),
    path("", include("deposit.urls")),
    path("", include("dashboard.urls")),
]
