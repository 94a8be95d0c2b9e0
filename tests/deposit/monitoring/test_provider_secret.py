"""The secret for the identity provider is warned of before it ends, by alerts and by ``check --deploy``."""

import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from deposit.monitoring import provider_secret
from deposit.monitoring.alerts import alerts

pytestmark = pytest.mark.django_db
CASES = [
    (31, "", None),
    (30, "warning", "W040"),
    (8, "warning", "W040"),
    (7, "error", "W040"),
    (0, "error", "E040"),
]


def expire_in(settings: Any, days: int) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_SECRET = "https://login.example.org/v2.0", "secret"
    settings.OIDC_SECRET_EXPIRES = (timezone.now().date() + datetime.timedelta(days=days)).isoformat()


@pytest.mark.parametrize(("days", "severity", "code"), [*CASES, (-100, "error", "E040")])
def test_it_is_told_before_it_ends(settings: Any, days: int, severity: str, code: str | None) -> None:
    expire_in(settings, days)
    told = [one for one in alerts() if one.code == "identity.secret_expires"]
    assert [one.severity for one in told] == [severity] * bool(severity)
    assert [one.id for one in provider_secret.check_secret(None)] == ([f"settings.{code}"] if code else [])


def test_how_long_it_lasts_is_said(settings: Any) -> None:
    expire_in(settings, 1)
    (one,) = [one for one in alerts() if one.code == "identity.secret_expires"]
    assert "expires in 1 day;" in one.sentence
    assert "OIDC_SECRET_EXPIRES" in one.sentence


@pytest.mark.parametrize("unset", ["OIDC_ISSUER", "OIDC_SECRET_EXPIRES"])
def test_without_a_day_nothing_is_said(settings: Any, unset: str) -> None:
    expire_in(settings, 1)
    setattr(settings, unset, "")
    assert provider_secret.days_left() is None


def test_check_deploy_runs_it(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    expire_in(settings, 3)
    call_command("check", "--deploy", "--tag", "identity")
    assert "settings.W040" in capsys.readouterr().err
