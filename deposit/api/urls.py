"""The paths below ``/api/``."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from deposit.api import views
from deposit.api.checking import CheckView
from deposit.api.deletions import DeletionViewSet
from deposit.api.deliveries import DeliveriesOfDepositView, DeliveryViewSet
from deposit.api.notices import NoticeViewSet, SubscriptionViewSet
from deposit.api.packages import PackageViewSet
from deposit.api.queue import WorkViewSet
from deposit.api.schema import Documentation, Schema, unknown

app_name = "api"

router = SimpleRouter()
router.register("deposits", views.DepositViewSet, basename="deposit")
router.register("deletions", DeletionViewSet, basename="deletion")
router.register("deliveries", DeliveryViewSet, basename="delivery")
router.register("subscriptions", SubscriptionViewSet, basename="subscription")
router.register("notices", NoticeViewSet, basename="notice")
router.register("packages", PackageViewSet, basename="package")
router.register("queue", WorkViewSet, basename="work")
router.register("collections", views.CollectionViewSet, basename="collection")

urlpatterns = [
    path("", Documentation.as_view(), name="docs"),
    path("openapi.json", Schema.as_view(), name="schema"),
    path("check/", CheckView.as_view(), name="check"),
    path("archive/known/", views.KnownView.as_view(), name="known"),
    path("statistics/", views.StatisticsView.as_view(), name="statistics"),
    path("statistics/figures/", views.FiguresView.as_view(), name="figures"),
    path("health/", views.AlertsView.as_view(), name="health"),
    path(
        "deposits/<int:deposit_id>/deliveries/",
        DeliveriesOfDepositView.as_view(),
        name="deliveries-of-deposit",
    ),
    path("deposits/<int:deposit_id>/exports/<str:name>", views.ExportView.as_view(), name="export"),
    path("", include(router.urls)),
    re_path(r"^", unknown),
]
