"""Production refuses insecure values. The settings are read in a process of their own, as a server reads them."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

SAFE = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "DATABASE_URL": "postgres://u:p@db.example.org/deposit",
    "ALLOWED_HOSTS": "deposit.example.org",
    "CELERY_BROKER_URL": "amqp://broker.example.org",
    "AUTHORITY_URL": "https://deposit.example.org/",
    "RELEASE_AUTHOR": "Archive of Example <archive@example.org>",
}


def _read_settings(
    tmp_path: Path, module: str = "settings.base", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Read the settings with these variables and no others; the last line of output is an error's."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **SAFE, **variables}
    return subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=REPOSITORY,
        env={name: value for name, value in environment.items() if value != "unset"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_safe_values_are_taken(tmp_path: Path) -> None:
    done = _read_settings(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is short or guessable"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is short or guessable"),
        ("SECRET_KEY", "django-insecure-" + "x1y2z3-abcdefghijkl" * 3, "SECRET_KEY is short or guessable"),
        ("SECRET_KEY", "unset", "Set the SECRET_KEY environment variable"),
        ("DATABASE_URL", "unset", "Set the DATABASE_URL environment variable"),
        ("DEBUG", "true", "DEBUG is on"),
        ("ALLOWED_HOSTS", "unset", "ALLOWED_HOSTS is empty"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS contains '*'"),
        ("ALLOWED_HOSTS", "deposit.example.org,*", "ALLOWED_HOSTS contains '*'"),
        ("CELERY_BROKER_URL", "unset", "CELERY_BROKER_URL is the file system"),
        ("CELERY_BROKER_URL", "sqs://", "CELERY_BROKER_URL: 'sqs' is not one of"),
        ("AUTHORITY_URL", "unset", "AUTHORITY_URL is not set"),
        ("AUTHORITY_URL", "http://localhost/", "AUTHORITY_URL is not set"),
        ("AUTHORITY_URL", "http://127.0.0.1:8080/", "AUTHORITY_URL is not set"),
        ("AUTHORITY_URL", "https://[::1]/", "AUTHORITY_URL is not set"),
        ("AUTHORITY_URL", "deposit.example.org", "AUTHORITY_URL is not set"),
        ("RELEASE_AUTHOR", "unset", "RELEASE_AUTHOR is not set"),
        ("RELEASE_AUTHOR", "Archive of Example", "RELEASE_AUTHOR is not set"),
        ("RELEASE_AUTHOR", "<archive@example.org>", "RELEASE_AUTHOR is not set"),
        ("RELEASE_AUTHOR", "A\nB <archive@example.org>", "RELEASE_AUTHOR is not set"),
        ("KEYCLOAK_SERVER_URL", "http://sso.example.org/", "KEYCLOAK_SERVER_URL is plain http"),
        ("OIDC_ISSUER", "http://login.example.org/v2.0", "OIDC_ISSUER is plain http"),
        ("OIDC_ISSUER", "https://login.example.org/v2.0", "OIDC_CLIENT_ID is not set"),
        ("OIDC_SECRET_EXPIRES", "next May", "OIDC_SECRET_EXPIRES is 'next May'"),
    ],
)
def test_an_insecure_value_is_refused_by_name(tmp_path: Path, variable: str, value: str, words: str) -> None:
    done = _read_settings(tmp_path, **{variable: value})
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr


def test_there_is_one_identity_provider(tmp_path: Path) -> None:
    both = {
        "KEYCLOAK_SERVER_URL": "https://sso.example.org/",
        "OIDC_ISSUER": "https://login.example.org/v2.0",
    }
    done = _read_settings(tmp_path, **both, OIDC_CLIENT_ID="deposit")
    assert (done.returncode, "both set" in done.stderr) == (1, True), done.stderr


def test_every_insecure_value_is_named_at_once(tmp_path: Path) -> None:
    done = _read_settings(tmp_path, SECRET_KEY="short", DEBUG="true", ALLOWED_HOSTS="unset")
    named = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("- ")]
    assert named == ["SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"]


def test_the_embedded_run_needs_neither_hosts_nor_a_broker(tmp_path: Path) -> None:
    done = _read_settings(tmp_path, DEPOSIT_EMBEDDED="true", ALLOWED_HOSTS="unset", CELERY_BROKER_URL="unset")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_embedded_run_too_refuses_every_host(tmp_path: Path) -> None:
    done = _read_settings(tmp_path, DEPOSIT_EMBEDDED="true", ALLOWED_HOSTS="*")
    assert done.returncode == 1


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    done = _read_settings(tmp_path, SECRET_KEY="unset", SECRET_KEY_FILE=str(tmp_path / "key"))
    assert "SECRET_KEY is short or guessable" in done.stderr


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "deposit.env").write_text("SECRET_KEY=short\nDEBUG=true\n")
    assert _read_settings(tmp_path, DEBUG="false").returncode == 0


@pytest.mark.parametrize(
    "bind", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", ":8080", "deposit.example.org:80"]
)
def test_a_trial_run_does_not_listen_for_a_network(tmp_path: Path, bind: str) -> None:
    done = _read_settings(tmp_path, DEPOSIT_EMBEDDED="true", BIND=bind)
    assert (done.returncode, "DEPOSIT_EMBEDDED=true is for one machine" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "unix:/run/deposit/web.sock"]
)
def test_a_trial_run_listens_on_its_machine(tmp_path: Path, bind: str) -> None:
    assert _read_settings(tmp_path, DEPOSIT_EMBEDDED="true", BIND=bind).returncode == 0


TRIAL = dict.fromkeys(("ALLOWED_HOSTS", "CELERY_BROKER_URL", "AUTHORITY_URL", "RELEASE_AUTHOR"), "unset")


@pytest.mark.parametrize(
    ("module", "variables", "words"),
    [
        ("settings.production", {}, ""),
        ("settings.production", {"SECRET_KEY": "short"}, "SECRET_KEY is short or guessable"),
        ("settings.production", {"DEPOSIT_EMBEDDED": "true"}, "settings.production is not"),
        ("settings.embedded", TRIAL, ""),
        ("settings.embedded", TRIAL | {"DEPOSIT_EMBEDDED": "false"}, "ALLOWED_HOSTS is empty"),
        ("settings.embedded", {"DEPOSIT_EMBEDDED": "false"}, "settings.embedded is a trial"),
        ("settings.testing", TRIAL | {"SECRET_KEY": "unset"}, ""),
        ("settings.testing", TRIAL | {"DATABASE_URL": "unset"}, "Set the DATABASE_URL environment variable"),
    ],
)
def test_a_module_of_settings_is_what_its_name_promises(
    tmp_path: Path, module: str, variables: dict[str, str], words: str
) -> None:
    done = _read_settings(tmp_path, module, **variables)
    assert (done.returncode, words in done.stderr) == (1 if words else 0, True), done.stderr


def test_a_trial_is_signed_by_nobody_else(tmp_path: Path) -> None:
    """Neither Software Heritage nor whoever the trial becomes one day."""
    shown = "; print(settings.embedded.AUTHORITY_URL, settings.embedded.RELEASE_AUTHOR)"
    done = _read_settings(tmp_path, "settings.embedded" + shown, **TRIAL)
    assert done.stdout == "http://localhost/ Trial deposit server <nobody@localhost>\n"


@pytest.mark.parametrize(
    ("embedded", "module"), [("true", "settings.embedded"), ("false", "settings.production")]
)
@pytest.mark.parametrize("starts", ["settings.wsgi", "settings.celery"])
def test_processes_take_the_settings_that_the_environment_means(
    tmp_path: Path, starts: str, embedded: str, module: str
) -> None:
    shown = "; from django.conf import settings; print(settings.SETTINGS_MODULE)"
    done = _read_settings(tmp_path, starts + shown, DEPOSIT_EMBEDDED=embedded)
    assert (done.stdout, done.stderr) == (f"{module}\n", "")
