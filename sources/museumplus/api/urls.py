"""The paths below ``/api/museum/``, with or without a slash at the end."""

from django.urls import re_path

from sources.museumplus.api import views

app_name = "museum-api"
urlpatterns = [
    re_path(r"^stats/?$", views.StatsView.as_view(), name="stats"),
    re_path(r"^queues/?$", views.QueuesView.as_view(), name="queues"),
    re_path(r"^heartbeats/?$", views.HeartbeatsView.as_view(), name="heartbeats"),
    re_path(r"^objects/?$", views.ObjectsView.as_view(), name="objects"),
    re_path(r"^objects/freeze/?$", views.FreezeView.as_view(), name="freeze"),
    re_path(r"^objects/unfreeze/?$", views.UnfreezeView.as_view(), name="unfreeze"),
    re_path(r"^objects/enqueue/?$", views.EnqueueView.as_view(), name="enqueue"),
    re_path(
        r"^objects/(?P<object_id>\d{1,18})/reenqueue/?$", views.ReenqueueView.as_view(), name="reenqueue"
    ),
    re_path(r"^objects/(?P<object_id>\d{1,18})/retry/?$", views.RetryView.as_view(), name="retry"),
    re_path(r"^packages/?$", views.PackagesView.as_view(), name="packages"),
    re_path(r"^packages/(?P<package_id>\d{1,18})/logs/?$", views.LogsView.as_view(), name="logs"),
    re_path(
        r"^packages/(?P<package_id>\d{1,18})/logs/(?P<name>[^/]{1,255})$", views.LogView.as_view(), name="log"
    ),
]
