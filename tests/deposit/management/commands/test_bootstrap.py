"""``manage.py bootstrap`` on a machine that has nothing but a PostgreSQL: once, again, and with what is wrong."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
from django.conf import settings
from psycopg2 import sql

from deposit.operations.bootstrap.plan import PlanError, read_plan
from tests.conftest import CLUSTER

REPOSITORY = Path(__file__).resolve().parents[4]
PLAN = """
[settings]
ALLOWED_HOSTS = ["deposit.example.org", "localhost"]
AUTHORITY_URL = "https://deposit.example.org/"
RELEASE_AUTHOR = "Example archive <archive@example.org>"
CELERY_BROKER_URL = "amqp://guest:guest@127.0.0.1:5672//"

[database]
admin_url_file = "{admin}"

[administrator]
username = "root-of-all"
email = "it@example.org"

[[collections]]
name = "papers"
title = "Papers"
destinations = ["archive", "export"]

[[collections]]
name = "letters"
profile = "transfer-package"

[[clients]]
username = "ada"
provider_url = "https://papers.example.org/"
collections = ["papers"]
password_file = "{password}"

[[users]]
username = "grace"
roles = ["operator"]
curates = ["letters"]
password = false
"""


class Machine(NamedTuple):
    """A folder for the data, an address of a database that is not there, and one of an administrator's."""

    folder: Path
    database_url: str
    admin_url: str

    def run(self, *words: str, code: int = 0, **environment: str) -> str:
        """Run ``manage.py`` as on a machine of its own; what it said on standard output."""
        own = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        own |= {"DATA_DIR": str(self.folder), "DATABASE_URL": self.database_url} | environment
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=REPOSITORY, env=own, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def bootstrap(self, *words: str, code: int = 0) -> str:
        """Run ``manage.py bootstrap`` with the plan."""
        return self.run("bootstrap", "--file", str(self.folder / "plan.toml"), *words, code=code)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine that has a plan and a PostgreSQL."""
    known = settings.DATABASES["default"]
    host = known["HOST"] or known.get("OPTIONS", {}).get("host", "")
    name = f"test_bootstrap_{secrets.token_hex(4)}"
    # The tests' own PostgreSQL has a superuser; another may let us make databases only.
    record = CLUSTER / "postgres.json"
    if host.startswith(str(CLUSTER)) and record.exists():
        who, password, role = (
            "postgres",
            json.loads(record.read_text())["superuser_password"],
            (name, "sesame"),
        )
    else:
        who, password = known["USER"], known["PASSWORD"]
        role = (who, password)
    admin = sql_address(who, password, host, str(known["PORT"] or ""), "postgres")
    url = sql_address(*role, host, str(known["PORT"] or ""), name)
    (tmp_path / "admin-url").write_text(admin + "\n")
    (tmp_path / "password").write_text("correct horse battery staple\n")
    (tmp_path / "plan.toml").write_text(
        PLAN.format(admin=tmp_path / "admin-url", password=tmp_path / "password")
    )
    yield Machine(tmp_path, url, admin)
    with closing(psycopg2.connect(admin)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def sql_address(user: str, password: str, host: str, port: str, name: str) -> str:
    """A ``postgres://`` address, over TCP or a socket's folder."""
    who = f"{user}:{password}" if password else user
    if host.startswith("/"):
        return (
            f"postgres://{who}@:{port}/{name}?host={host}"
            if port
            else f"postgres://{who}@/{name}?host={host}"
        )
    return f"postgres://{who}@{host}:{port}/{name}"


def test_a_bare_machine_becomes_a_service_and_stays_one(machine: Machine) -> None:
    assert "would be written" in machine.bootstrap("--check", code=1)
    assert not (machine.folder / "deposit.env").exists()

    first = {row["subject"]: row for row in json.loads(machine.bootstrap("--json", "--no-input"))}
    made = {subject for subject, row in first.items() if row["state"] == "made"}
    assert {"administrator", "collection papers", "collection letters", "client ada", "user grace"} <= made
    assert len(first["administrator"]["password"]) >= 15
    assert "password" not in first["client ada"]
    written = (machine.folder / "deposit.env").read_text()
    assert "AUTHORITY_URL=https://deposit.example.org/" in written
    assert (machine.folder / "deposit.env").stat().st_mode & 0o777 == 0o600

    again = json.loads(machine.bootstrap("--json", "--no-input"))
    assert {row["state"] for row in again} == {"as it was"}
    assert (machine.folder / "deposit.env").read_text() == written
    machine.bootstrap("--check")

    collections = {c["name"]: c for c in json.loads(machine.run("collection", "list", "--json"))}
    assert collections["papers"]["destinations"] == ["archive", "export"]
    assert collections["letters"]["profile"] == "transfer-package"
    people = {p["username"]: p for p in json.loads(machine.run("role", "list", "--json"))}
    assert people["grace"]["groups"] == ["operators"]
    assert people["grace"]["curates"] == ["letters"]
    assert people["root-of-all"]["groups"] == ["administrators"]

    plan = machine.folder / "plan.toml"
    plan.write_text(plan.read_text().replace('title = "Papers"', 'title = "All papers"'))
    assert "collection papers: would be changed (title)" in machine.bootstrap("--check", code=1)
    assert "collection papers: changed (title)" in machine.bootstrap()


def test_what_is_missing_is_named_all_at_once(machine: Machine) -> None:
    said = machine.run("bootstrap", "--no-input", code=1)
    for name in ("ALLOWED_HOSTS", "AUTHORITY_URL", "RELEASE_AUTHOR", "CELERY_BROKER_URL"):
        assert f"- {name}: " in said
    assert "Traceback" not in said
    assert not (machine.folder / "deposit.env").exists()


def test_a_database_that_is_away_is_told_with_the_way_out(machine: Machine) -> None:
    plan = machine.folder / "plan.toml"
    plan.write_text(plan.read_text().replace("admin_url_file", "#admin_url_file"))
    said = machine.bootstrap("--no-input", code=1)
    assert "The database does not answer" in said
    assert "--database-admin-url-file" in said
    assert "sesame" not in said


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"collection": []}, "the plan has no collection"),
        ({"collections": {}}, "collections: a list of tables"),
        ({"collections": [{}]}, "collections[1]"),
        ({"collections": [{"name": "a"}, {"name": 3}]}, "collections[2].name: a text"),
        ({"collections": [{"name": "a", "public": "yes"}]}, "collections[1].public: true or false"),
        ({"collections": [{"name": "a", "destinations": "archive"}]}, "collections[1].destinations: a list"),
        ({"clients": [{"username": "a", "pasword_file": "x"}]}, "clients[1] has no pasword_file"),
        ({"pipelines": [{"url": "x"}]}, "pipelines[1]: a table with name"),
        ({"administrator": "ada"}, "administrator: a table"),
    ],
)
def test_a_mistake_in_the_plan_names_its_place(table: dict[str, object], place: str) -> None:
    with pytest.raises(PlanError) as told:
        read_plan(table)
    assert place in str(told.value)
