"""What administrators look at and nobody changes: history, findings, what is on its way in, packs, their fixity."""

from django.contrib import admin

from archive.models import FixityCheck, Pack
from deposit.admin.read_only import ReadOnlyAdmin
from deposit.models import Event, Fetch, Finding, Upload


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The history of all deposits; search by a deposit's number."""

    list_display = ["at", "deposit_id", "name", "from_status", "to_status", "actor"]
    search_fields = ["=deposit__id"]


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """What checks found; search by code or by a deposit's number."""

    list_display = ["created_at", "deposit_id", "severity", "code", "subject", "message"]
    list_filter = ["severity", "area"]
    search_fields = ["=deposit__id", "=code"]


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Segmented uploads that are not deposited yet; the idle ones expire by themselves. Search by client."""

    list_display = ["id", "client", "size", "created_at", "touched_at"]
    list_select_related = ["client__user"]
    search_fields = ["=client__user__username"]
    ordering = ["-touched_at"]


@admin.register(Fetch)
class FetchAdmin(ReadOnlyAdmin):
    """Packages that the service fetches from elsewhere; search by a deposit's number."""

    list_display = ["part", "url", "state", "received", "log"]
    list_filter = ["state"]
    list_select_related = ["part"]
    search_fields = ["=part__deposit__id"]


@admin.register(Pack)
class PackAdmin(ReadOnlyAdmin):
    """The packs of the archive."""

    list_display = ["name", "size", "published_at"]


@admin.register(FixityCheck)
class FixityCheckAdmin(ReadOnlyAdmin):
    """Readings of packs, and what they showed."""

    list_display = ["ended_at", "pack", "outcome", "thorough", "read"]
    list_filter = ["outcome", "thorough"]
    list_select_related = ["pack"]
