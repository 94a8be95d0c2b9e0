"""The paths of batches below ``/api/``."""

from rest_framework.routers import SimpleRouter

from sources.batches.api import BatchViewSet

router = SimpleRouter()
router.register("batches", BatchViewSet, basename="batch")
urlpatterns = router.urls
