"""The paths that the deposit room serves."""

from django.urls import include, path

from deposit.api.views import KnownView
from deposit.archived import feeds, views
from deposit.authentication import browser
from deposit.monitoring.health import healthz, readyz
from deposit.monitoring.prometheus import metrics
from deposit.sword3.views import well_known

urlpatterns = [
    path("1/", include("deposit.sword.urls")),
    path("3/", include("deposit.sword3.urls")),
    path("3", well_known),
    path(".well-known/swordv3", well_known),
    path("api/", include("deposit.api.urls")),
    path("archive/known/", KnownView.as_view()),
    path("feeds/mine/", feeds.OwnFeed.as_view(), name="own-feed"),
    path("feeds/collections/<str:name>/", feeds.CollectionFeed.as_view(), name="collection-feed"),
    path("archive/origin/", views.OriginView.as_view(), name="archive-origin"),
    path("archive/deposit/<int:deposit_id>/sent/", views.SentView.as_view(), name="archive-sent"),
    path("archive/deposit/<int:deposit_id>/whole/", views.WholeView.as_view(), name="archive-whole"),
    path("archive/deposit/<int:deposit_id>/bag/", views.BagView.as_view(), name="archive-bag"),
    path("archive/<str:swhid>/", views.ObjectView.as_view(), name="archive-object"),
    path("archive/<str:swhid>/<path:path>", views.ObjectView.as_view(), name="archive-path"),
    path("identity/log-in/", browser.leave, name="identity-leave"),
    path("identity/logged-in/", browser.arrive, name="identity-arrive"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
