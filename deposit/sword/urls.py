"""The paths below ``/1/``. A missing last slash is forgiven: a redirect would lose a POST."""

from django.urls import path, re_path

from deposit.sword import edit, media, state, views

app_name = "sword"

_DEPOSIT = r"^(?P<collection>[^/]+)/(?P<deposit_id>[0-9]{1,18})/"


def _of_deposit(segment: str, view: type[views.DepositView], name: str) -> list:  # type: ignore[type-arg]
    return [
        path(f"<str:collection>/<int:deposit_id>/{segment}/", view.as_view(), name=name),
        re_path(f"{_DEPOSIT}{segment}$", view.as_view()),
    ]


urlpatterns = [
    path("servicedocument/", views.ServiceDocumentView.as_view(), name="service-document"),
    path("servicedocument", views.ServiceDocumentView.as_view()),
    *_of_deposit("media", media.EditMediaView, "edit-media"),
    *_of_deposit("atom", edit.EditView, "edit"),
    *_of_deposit("metadata", edit.SwordEditView, "sword-edit"),
    *_of_deposit("status", state.StateView, "state"),
    *_of_deposit("content", state.ContentView, "content"),
    path("<str:collection>/<int:deposit_id>/media/<int:part_id>/", media.FileView.as_view(), name="file"),
    path("<str:collection>/<int:deposit_id>/media.atom", media.MediaFeedView.as_view(), name="media-feed"),
    path(
        "<str:collection>/<int:deposit_id>/statement.<str:suffix>",
        state.StatementView.as_view(),
        name="statement",
    ),
    path("<str:collection>/", views.CollectionView.as_view(), name="collection"),
    path("<str:collection>", views.CollectionView.as_view()),
    re_path(r"^", views.unknown_path),
]
