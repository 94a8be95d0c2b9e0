"""What administrators look at and nobody changes: history, findings, packs and their fixity."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

from archive.models import FixityCheck, Pack
from deposit.models import Event, Finding

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    BoundedPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    BoundedPaginator = Paginator

# Lists offer this many rows; a filter or a search finds the others. Counting all events would take seconds.
_COUNTED = 5000


class Bounded(BoundedPaginator):
    """Pages over the newest rows."""

    @cached_property
    def count(self) -> int:
        """At most ``_COUNTED``."""
        rows: Any = self.object_list
        return int(rows[:_COUNTED].count())


class Looking(ModelAdmin):
    """Rows to look at."""

    paginator = Bounded
    show_full_result_count = False
    ordering = ["-pk"]
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The service writes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody removes them."""
        return False


@admin.register(Event)
class EventAdmin(Looking):
    """The history of all deposits; search by a deposit's number."""

    list_display = ["at", "deposit_id", "name", "from_status", "to_status", "actor"]
    search_fields = ["=deposit__id"]


@admin.register(Finding)
class FindingAdmin(Looking):
    """What checks found; search by code or by a deposit's number."""

    list_display = ["created_at", "deposit_id", "severity", "code", "subject", "message"]
    list_filter = ["severity", "area"]
    search_fields = ["=deposit__id", "=code"]


@admin.register(Pack)
class PackAdmin(Looking):
    """The packs of the archive."""

    list_display = ["name", "size", "published_at"]


@admin.register(FixityCheck)
class FixityCheckAdmin(Looking):
    """Readings of packs, and what they showed."""

    list_display = ["ended_at", "pack", "outcome", "thorough", "read"]
    list_filter = ["outcome", "thorough"]
    list_select_related = ["pack"]
