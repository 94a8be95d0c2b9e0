"""What administrators change by hand on the admin site is told to the audit; and its pages of users and groups."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from deposit import audit
from deposit.actors import Channel
from deposit.admin.read_only import ModelAdmin
from deposit.authentication.sessions import session_actor

if TYPE_CHECKING:
    UserModelAdmin = UserAdmin[User]
else:
    UserModelAdmin = UserAdmin


class Audited(ModelAdmin):
    """Pages whose additions, changes and deletions are each a line of the audit, in the same transaction.

    The line names the fields that were changed, never what stands in them: one may be a password.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Tell that a row was added."""
        _record_audit(request, "add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Tell that a row was changed, and which of its fields."""
        _record_audit(request, "change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Tell of each row that it will be deleted."""
        for obj in queryset:
            _record_audit(request, "delete", obj, [])
        return super().log_deletions(request, queryset)


def _record_audit(request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
    name = obj._meta.verbose_name
    audit.record(
        f"admin.{verb}",
        subject=f"{name} {obj}",
        actor=session_actor(request, Channel.ADMIN),
        what=message or [],
    )


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class AuditedUserAdmin(Audited, UserModelAdmin):
    """Django's own page of users, told to the audit."""


@admin.register(Group)
class AuditedGroupAdmin(Audited, GroupAdmin):
    """Django's own page of groups, told to the audit."""
