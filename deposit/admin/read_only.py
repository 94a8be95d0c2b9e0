"""Pages of the admin site with rows to look at: what the service writes, nobody changes by hand."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    PaginatorOfAny = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    PaginatorOfAny = Paginator

# Lists offer this many rows; a filter or a search finds the others. Counting all events would take seconds.
_COUNTED = 5000


class BoundedPaginator(PaginatorOfAny):
    """Pages over the newest rows."""

    @cached_property
    def count(self) -> int:
        """At most ``_COUNTED``."""
        rows: Any = self.object_list
        return int(rows[:_COUNTED].count())


class ReadOnlyMixin:
    """For pages and for tables inside pages."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The service writes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody removes them."""
        return False


class ReadOnlyAdmin(ReadOnlyMixin, ModelAdmin):
    """A list of rows, the newest first, and a page for each."""

    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-pk"]
    list_per_page = 50
