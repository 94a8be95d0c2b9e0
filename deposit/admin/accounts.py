"""The admin site's pages of tokens, curators and the audit. Imported by ``deposit.admin``."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from deposit import audit
from deposit.actors import Channel
from deposit.admin.read_only import ModelAdmin, ReadOnlyAdmin
from deposit.authentication.sessions import session_actor
from deposit.models import ApiToken, AuditRecord, Curatorship, ProviderIdentity, TokenScope
from deposit.permissions import Operation, may_service
from deposit.refusals import Refusal
from deposit.services import tokens

if TYPE_CHECKING:
    TokenModelForm = forms.ModelForm[ApiToken]
else:
    TokenModelForm = forms.ModelForm


def _administers(request: HttpRequest) -> bool:
    return request.user.is_authenticated and may_service(
        session_actor(request, Channel.ADMIN), Operation.ADMINISTER
    )


class TokenForm(TokenModelForm):
    """What a new token is asked for."""

    scopes = forms.MultipleChoiceField(choices=TokenScope.choices, widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(min_value=1, max_value=tokens.LONGEST_DAYS, initial=tokens.DEFAULT_DAYS)

    class Meta:
        model = ApiToken
        fields = ["user", "name", "scopes"]


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens: made and shown once, looked at, revoked."""

    list_display = ["name", "user", "start", "scopes", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "=start"]
    autocomplete_fields = ["user"]
    actions = ["revoke"]
    form = TokenForm

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """All but the digest; a new one has only what is asked for."""
        if obj is None:
            return ["user", "name", "scopes", "days"]
        return [field.name for field in ApiToken._meta.fields if field.name != "digest"]

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Make it through the service, which tells its text this once."""
        made, text = tokens.issue(
            actor=session_actor(request, Channel.ADMIN),
            user=obj.user,
            name=obj.name,
            scopes=obj.scopes,
            days=form.cleaned_data["days"],
        )
        obj.pk = made.pk
        request.new_token = text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiToken, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the token on the answer itself: it passes through no session, cookie or log."""
        context = self.admin_site.each_context(request) | {
            "title": f"Token {obj.name}",
            "token": request.new_token,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/deposit/apitoken/made.html", context)

    @admin.action(description="Revoke: they open nothing any more", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Through the service, which decides and writes the audit."""
        for token in queryset:
            try:
                tokens.revoke(actor=session_actor(request, Channel.ADMIN), token_id=token.pk)
            except Refusal as refusal:
                messages.warning(request, refusal.summary)
            else:
                messages.success(request, f"{token} is revoked.")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who administer; owners make theirs on their own page. No token is ever changed or removed."""
        return _administers(request)


@admin.register(Curatorship)
class CuratorshipAdmin(ModelAdmin):
    """Who looks after which collection."""

    list_display = ["user", "collection", "created_at"]
    list_select_related = ["user", "collection"]
    autocomplete_fields = ["user", "collection"]

    def save_model(self, request: HttpRequest, obj: Curatorship, form: Any, change: bool) -> None:
        """Write it, and that it was written."""
        super().save_model(request, obj, form, change)
        self._record_audit(request, "role.grant", obj)

    def delete_model(self, request: HttpRequest, obj: Curatorship) -> None:
        """Remove it, and write that it was removed."""
        self._record_audit(request, "role.withdraw", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Curatorship]) -> None:
        """One after the other, so that each is written."""
        for row in queryset:
            self.delete_model(request, row)

    def _record_audit(self, request: HttpRequest, operation: str, row: Curatorship) -> None:
        audit.record(
            operation,
            subject=f"user {row.user}",
            actor=session_actor(request, Channel.ADMIN),
            role="curator",
            collection=str(row.collection),
        )


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    """What was done to accounts, rights and tokens; ``export/`` gives the whole audit as JSON lines."""

    list_display = ["at", "operation", "actor", "subject", "via"]
    search_fields = ["=operation", "=actor", "subject"]

    def get_urls(self) -> list[URLPattern]:
        """The export beside the list."""
        export = path("export/", self.admin_site.admin_view(self.export), name="deposit_audit_export")
        return [export, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Everything, oldest first."""
        try:
            lines = audit.lines(actor=session_actor(request, Channel.ADMIN))
        except Refusal as refusal:
            return HttpResponse(refusal.summary, status=403, content_type="text/plain")
        response = StreamingHttpResponse(lines, content_type="application/jsonl")
        response["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
        return response

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who administer."""
        return _administers(request)


@admin.register(ProviderIdentity)
class ProviderIdentityAdmin(ReadOnlyAdmin):
    """Which person at the identity provider an account is; ``manage.py user bind`` says so."""

    list_display = ["user", "issuer", "subject", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "=subject"]
