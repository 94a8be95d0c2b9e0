"""Tokens, curators and the audit in the admin site."""

import json
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client as HttpClient
from django.test import RequestFactory

from deposit.actors import Channel, system_actor
from deposit.admin.audit import Audited
from deposit.models import ApiToken, AuditRecord, Client, Collection, Curatorship, Deposit
from deposit.permissions import Role
from deposit.services import roles
from tests.support.factories import logged_in

COMMAND = system_actor(Channel.COMMAND)


def staff(*granted: Role) -> HttpClient:
    user = User.objects.create(username="staff", is_staff=True)
    for role in granted:
        roles.grant(actor=COMMAND, username="staff", role=role)
    return logged_in(user)


@pytest.fixture
def administrator(db: None) -> HttpClient:
    return staff(Role.ADMINISTRATOR)


@pytest.fixture
def operator(db: None) -> HttpClient:
    return staff(Role.OPERATOR)


def test_a_token_is_made_and_shown_once(administrator: HttpClient, depositor: Client) -> None:
    fields = {"user": depositor.user.pk, "name": "laptop", "scopes": ["read", "deposit"], "days": 10}
    response = administrator.post("/admin/deposit/apitoken/add/", fields)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    shown = re.search(r"dpt_[0-9A-Za-z]{49}", response.content.decode())
    assert shown is not None
    token = ApiToken.objects.get()
    assert (token.user, token.scopes, token.created_by) == (
        depositor.user,
        ["deposit", "read"],
        "admin:staff",
    )
    assert shown[0] not in administrator.get("/admin/deposit/apitoken/").content.decode()
    answer = HttpClient().get("/1/servicedocument/", headers={"Authorization": f"Bearer {shown[0]}"})
    assert answer.status_code == 200


def test_an_operator_sees_no_tokens_and_reads_no_audit(operator: HttpClient) -> None:
    pages = ["apitoken/", "auditrecord/", "auditrecord/export/", "curatorship/add/"]
    assert [operator.get(f"/admin/deposit/{page}").status_code for page in pages] == [403, 403, 403, 403]


def test_curators_are_made_and_unmade_and_both_is_audited(
    administrator: HttpClient, depositor: Client, collection: Collection
) -> None:
    fields = {"user": depositor.user.pk, "collection": collection.pk}
    administrator.post("/admin/deposit/curatorship/add/", fields)
    row = Curatorship.objects.get()
    administrator.post(f"/admin/deposit/curatorship/{row.pk}/delete/", {"post": "yes"})
    assert Curatorship.objects.count() == 0
    told = AuditRecord.objects.filter(via__door="admin").values_list("operation", "actor", "subject")
    assert list(told) == [("role.grant", "staff", "user hal"), ("role.withdraw", "staff", "user hal")]


def test_the_audit_is_looked_at_not_changed(administrator: HttpClient) -> None:
    record = AuditRecord.objects.latest("id")
    assert administrator.get("/admin/deposit/auditrecord/").status_code == 200
    assert administrator.get(f"/admin/deposit/auditrecord/{record.pk}/delete/").status_code == 403
    assert administrator.post(f"/admin/deposit/auditrecord/{record.pk}/change/", {}).status_code == 403
    lines = administrator.get("/admin/deposit/auditrecord/export/").getvalue().decode().splitlines()
    assert json.loads(lines[-1])["operation"] == "role.grant"


def told() -> list[tuple[str, str]]:
    return list(
        AuditRecord.objects.filter(operation__startswith="admin.").values_list("operation", "subject")
    )


def test_what_is_changed_by_hand_is_told_to_the_audit(administrator: HttpClient, depositor: Client) -> None:
    administrator.post(
        "/admin/deposit/collection/add/", {"name": "maps", "duplicates": "mark", "public": "on"}
    )
    assert Collection.objects.get(name="maps").public
    user = depositor.user
    password = "a new and a long password"
    administrator.post(
        f"/admin/auth/user/{user.pk}/password/",
        {"password1": password, "password2": password, "usable_password": "true"},
    )
    user.refresh_from_db()
    assert user.check_password(password)
    administrator.post("/admin/auth/group/add/", {"name": "readers"})
    group = Group.objects.get(name="readers")
    administrator.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    assert told() == [
        ("admin.add", "collection maps"),
        ("admin.change", "user hal"),
        ("admin.add", "group readers"),
        ("admin.delete", "group readers"),
    ]
    assert password not in str(list(AuditRecord.objects.values()))


def test_no_page_changes_rows_without_telling(administrator: HttpClient, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User.objects.get(username="staff")
    # These go through services, or tell of themselves.
    own = {ApiToken, Curatorship, Deposit}
    silent = [
        model.__name__
        for model, page in admin.site._registry.items()
        if model not in own and not isinstance(page, Audited)
        if page.has_add_permission(request) or page.has_change_permission(request)
    ]
    assert silent == []
