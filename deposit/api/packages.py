"""Packages below ``/api/packages/``: whether they are stored, their versions, and where to get them."""

from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import HttpResponseRedirect
from django.urls import reverse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from archive.errors import NotFound
from archive.identifiers import SWHID
from archive.retrieval import resolve
from deposit.api.views import ApiView, Pages
from deposit.lists.layers import layers_of
from deposit.lists.packages import PackageFilter, packages_for, version_number
from deposit.models import Deposit, Status
from deposit.refusals import Kind, Refusal


class PackageSerializer(serializers.ModelSerializer[Deposit]):
    """One version of a package."""

    version = serializers.SerializerMethodField()
    collection = serializers.CharField(source="collection.name")
    deposit = serializers.IntegerField(source="pk")
    stored = serializers.SerializerMethodField()
    stored_at = serializers.SerializerMethodField()
    received_at = serializers.DateTimeField(source="reception_date")
    file_name = serializers.CharField(source="package_name")
    download = serializers.SerializerMethodField()

    class Meta:
        model = Deposit
        fields = [
            "external_id",
            "version",
            "collection",
            "deposit",
            "status",
            "stored",
            "stored_at",
            "received_at",
            "title",
            "file_name",
            "swhid",
            "download",
        ]
        read_only_fields = fields

    def get_version(self, deposit: Deposit) -> int | None:
        """Counted from 1; null before it is accepted, and for one without identifier."""
        return version_number(deposit)

    def get_stored(self, deposit: Deposit) -> bool:
        """Whether every destination of its collection has it."""
        return deposit.status == Status.DONE

    def get_stored_at(self, deposit: Deposit) -> str | None:
        """Since when."""
        return deposit.status_changed_at.isoformat() if deposit.status == Status.DONE else None

    def get_download(self, deposit: Deposit) -> str:
        """Where the package is, as it was sent."""
        return reverse("archive-sent", args=[deposit.pk])


_WHICH = [
    OpenApiParameter("external_id", str, required=True),
    OpenApiParameter("version", int, description="The newest that is stored by default."),
    OpenApiParameter("collection", str),
]


@extend_schema_view(list=extend_schema(summary="Is it stored? Packages and their versions, newest first"))
class PackageViewSet(ApiView, ListModelMixin, GenericViewSet[Deposit]):
    """Packages that exist for the caller: one row for each version."""

    serializer_class = PackageSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = PackageFilter
    queryset = Deposit.objects.none()

    def get_queryset(self) -> QuerySet[Deposit]:
        """Those that the caller can see."""
        return packages_for(self.actor)

    @extend_schema(
        summary="Download a version of a package",
        parameters=[*_WHICH, OpenApiParameter("as_sent", bool, description="A shallow update alone.")],
        responses={302: OpenApiTypes.NONE},
        filters=False,
    )
    @action(detail=False, url_path="download", pagination_class=None)
    def download(self, request: Request) -> HttpResponseRedirect:
        """Leads to the package; of a shallow update, unless ``as_sent`` is true, to all that belongs to it."""
        newest = self._versions(request)[0]
        as_sent = request.query_params.get("as_sent", "") in ("true", "1")
        whole = not as_sent and len(layers_of(newest)) > 1
        return HttpResponseRedirect(reverse("archive-whole" if whole else "archive-sent", args=[newest.pk]))

    @extend_schema(
        summary="Download one file of a package",
        parameters=[*_WHICH, OpenApiParameter("path", str, required=True)],
        responses={302: OpenApiTypes.NONE},
        filters=False,
    )
    @action(detail=False, url_path="file", pagination_class=None)
    def file(self, request: Request) -> HttpResponseRedirect:
        """Leads to a file of this version, or of the newest before it that has one at this path."""
        path = request.query_params.get("path", "").strip("/")
        for deposit in self._versions(request):
            if path and deposit.swhid and _has(deposit.swhid, path):
                return HttpResponseRedirect(reverse("archive-object", args=[deposit.swhid]) + quote(path))
        raise Refusal(
            Kind.NOT_FOUND,
            "package.no_file",
            "No version of this package has a file at this path.",
            "Give the path as it is in the package, such as pictures/garden.tif.",
        )

    def _versions(self, request: Request) -> list[Deposit]:
        """The stored version that is asked for, and those before it, newest first. Raises `Refusal`."""
        wanted: dict[str, Any] = {"external_id": request.query_params.get("external_id", "")}
        if request.query_params.get("collection"):
            wanted["collection__name"] = request.query_params["collection"]
        stored = packages_for(self.actor).filter(**wanted, status=Status.DONE, package_version__isnull=False)
        versions = sorted(stored, key=lambda each: (-(version_number(each) or 0), -each.pk))
        asked = request.query_params.get("version", "").removeprefix("v")
        if asked:
            newest = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
            versions = [each for each in versions if (version_number(each) or 0) <= newest]
            if versions and version_number(versions[0]) != newest:
                versions = []
        if not versions:
            raise Refusal(
                Kind.NOT_FOUND,
                "package.unknown",
                "There is no such version of such a package that is stored.",
                "The list at /api/packages/ shows the versions of a package, also those that are not stored yet.",
            )
        return versions


def _has(swhid: str, path: str) -> bool:
    try:
        resolve(SWHID.parse(swhid).hash, path.encode())
    except NotFound:
        return False
    return True
