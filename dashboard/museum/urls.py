"""The paths below ``/museum/``."""

from django.urls import path

from dashboard.museum import views

app_name = "museum"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("counts/", views.counts, name="counts"),
    path("status/", views.status, name="status"),
    path("enqueue/", views.enqueue, name="enqueue"),
    path("reenqueue/", views.reenqueue, name="reenqueue"),
    path("retry/", views.retry, name="retry"),
    path("frozen/", views.frozen, name="frozen"),
    path("freeze/", views.freeze, name="freeze"),
    path("unfreeze/", views.unfreeze, name="unfreeze"),
    path("jobs/", views.jobs, name="jobs"),
    path("sips/of/<int:object_id>/<str:sip_id>/", views.sip_of, name="sip-of"),
    path("sips/", views.sips, name="sips"),
    path("sips/<int:package_id>/", views.sip, name="sip"),
    path("sips/<int:package_id>/report/", views.report, name="report"),
]
