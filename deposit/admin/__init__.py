"""The admin site: everything to look at, what may be changed through the services."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deposit.actors import Channel
from deposit.admin import accounts, audit, notices
from deposit.admin.read_only import ReadOnlyMixin
from deposit.authentication.sessions import session_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import Client, Collection, Deposit, Event, Finding, Membership, Part
from deposit.models.limits import OF_PACKAGES, OF_REQUESTS
from deposit.refusals import Refusal
from deposit.services import operations

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
    DepositModelAdmin = admin.ModelAdmin[Deposit]
else:
    Inline = admin.TabularInline
    DepositModelAdmin = admin.ModelAdmin

__all__ = ["accounts", "notices"]

admin.site.site_header = "Deposit server"
admin.site.site_title = "Deposit server"


class ReadOnlyInline(ReadOnlyMixin, Inline):
    """Rows to look at: the record is written by the services."""

    extra = 0
    show_change_link = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """All of them, also those that no form could edit."""
        return [str(name) for name in self.fields or ()]


class FindingInline(ReadOnlyInline):
    """What the checks found."""

    model = Finding
    fields = ["severity", "code", "subject", "message", "created_at"]


class PartInline(ReadOnlyInline):
    """What was sent."""

    model = Part
    fk_name = "deposit"
    fields = ["kind", "name", "content_type", "size", "sha256", "created_at"]


class EventInline(ReadOnlyInline):
    """The history."""

    model = Event
    fields = ["at", "name", "from_status", "to_status", "actor", "detail"]


def _through(service: Callable[..., Any], done: str) -> Callable[..., None]:
    """An admin action that applies an operators' service to each chosen deposit."""

    def action(model_admin: DepositModelAdmin, request: HttpRequest, queryset: QuerySet[Deposit]) -> None:
        changed = 0
        for deposit in queryset:
            try:
                service(deposit_id=deposit.pk, actor=session_actor(request, Channel.ADMIN))
                changed += 1
            except (TransitionRefused, Refusal) as refused:
                messages.warning(request, str(refused))
        if changed:
            messages.success(request, f"{changed} deposit(s) {done}.")

    return action


@admin.register(Deposit)
class DepositAdmin(DepositModelAdmin):
    """Deposits with their findings, parts and history; the status changes through actions only."""

    list_display = ["id", "coloured_status", "type", "client", "collection", "origin_url", "reception_date"]
    list_filter = ["status", "type", "collection", "reception_date"]
    list_select_related = ["client__user", "collection"]
    search_fields = ["=id", "origin_url", "external_id", "swhid", "client__user__username"]
    date_hierarchy = "reception_date"
    show_full_result_count = False
    inlines = [FindingInline, PartInline, EventInline]

    actions = ["reschedule", "recheck", "expire"]

    reschedule = admin.action(description="Load again (failed or done)", permissions=["change"])(
        _through(operations.reschedule, "scheduled for loading")
    )
    recheck = admin.action(description="Check again (rejected or failed)", permissions=["change"])(
        _through(operations.recheck, "scheduled for checking")
    )
    expire = admin.action(description="Expire (partial)", permissions=["change"])(
        _through(operations.expire, "expired")
    )

    @admin.display(description="status", ordering="status")
    def coloured_status(self, deposit: Deposit) -> SafeString:
        """The status as a word on its colour."""
        return format_html(
            '<span class="status {}">{}</span>',
            deposit.status,
            deposit.get_status_display(),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Deposit | None = None) -> list[str]:
        """All of them: deposits are made by depositors and moved by the lifecycle."""
        return [field.name for field in Deposit._meta.fields]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """To look at; there is nothing to save."""
        nothing = {"show_save": False, "show_save_and_continue": False, "title": "Deposit"}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | nothing)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deposits come in through the API."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Deposit | None = None) -> bool:
        """The record stays; depositors may delete partial deposits through the API."""
        return False


class MembershipInline(Inline):
    """Which collections a client may deposit into."""

    model = Membership
    extra = 1


@admin.register(Client)
class ClientAdmin(audit.Audited):
    """The depositors."""

    list_display = ["user", "provider_url", "domain", "is_active"]
    list_select_related = ["user"]
    search_fields = ["user__username", "provider_url", "domain"]
    autocomplete_fields = ["user"]
    inlines = [MembershipInline]

    @admin.display(boolean=True, description="active")
    def is_active(self, client: Client) -> bool:
        """Whether the user may log in."""
        return client.user.is_active


@admin.register(Collection)
class CollectionAdmin(audit.Audited):
    """Where clients deposit."""

    list_display = ["name", "title", "created_at"]
    search_fields = ["name", "title"]
    fieldsets = [
        (None, {"fields": ["name", "title", "duplicates", "closed", "public"]}),
        (
            "Limits",
            {
                "description": "Leave a limit empty for the service's own. Limits bind what is checked from now on.",
                "fields": [*(f"max_{name}" for name in (*OF_REQUESTS, *OF_PACKAGES)), "links_outside"],
            },
        ),
        (
            "Packages",
            {"fields": ["special_files", "source_only", "top_folder", "confirm_warnings", "bag_profile"]},
        ),
    ]
