"""The paths of this destination below ``/api/``."""

from rest_framework.routers import SimpleRouter

from loader.destinations.archivematica.api import PipelineViewSet

router = SimpleRouter()
router.register("pipelines", PipelineViewSet, basename="pipeline")
urlpatterns = router.urls
