"""The paths below ``/3/``. A missing last slash is forgiven: a redirect would lose a body."""

from django.urls import path, re_path

from deposit.sword3 import objects, staging, views

app_name = "sword3"


def _either(route: str, view: type[views.Sword3View], name: str) -> list:  # type: ignore[type-arg]
    return [path(f"{route}/", view.as_view(), name=name), path(route, view.as_view())]


urlpatterns = [
    path("", views.RootView.as_view(), name="root"),
    *_either("service/<str:collection>", views.ServiceView, "service"),
    *_either("staging", staging.StagingView, "staging"),
    *_either("staging/<uuid:upload_id>", staging.TemporaryView, "temporary"),
    *_either("object/<int:deposit_id>", objects.ObjectView, "object"),
    *_either("object/<int:deposit_id>/metadata", objects.MetadataView, "metadata"),
    *_either("object/<int:deposit_id>/metadata/entry", objects.EntryView, "entry"),
    *_either("object/<int:deposit_id>/files", objects.FileSetView, "file-set"),
    *_either("object/<int:deposit_id>/files/<int:part_id>", objects.FileView, "file"),
    re_path(r"^", views.unknown_path),
]
