"""The paths of sources below ``/api/``."""

from django.urls import path

from sources import api

urlpatterns = [
    path("sources/", api.SourceList.as_view(), name="sources"),
    path("sources/<str:name>/", api.SourceDetail.as_view(), name="source"),
    path("sources/<str:name>/items/", api.ItemList.as_view(), name="source-items"),
    path("sources/<str:name>/events/", api.EventsView.as_view(), name="source-events"),
]
