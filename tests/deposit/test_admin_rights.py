"""Tokens, curators and the audit in the admin site."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client as HttpClient

from deposit.actors import Door, machine
from deposit.models import ApiToken, AuditRecord, Client, Collection, Curatorship
from deposit.permissions import Role
from deposit.services import roles

COMMAND = machine(Door.COMMAND)


def logged_in(*granted: Role) -> HttpClient:
    user = User.objects.create(username="staff", is_staff=True)
    for role in granted:
        roles.grant(actor=COMMAND, username="staff", role=role)
    http = HttpClient()
    http.force_login(user)
    return http


@pytest.fixture
def administrator(db: None) -> HttpClient:
    return logged_in(Role.ADMINISTRATOR)


@pytest.fixture
def operator(db: None) -> HttpClient:
    return logged_in(Role.OPERATOR)


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
