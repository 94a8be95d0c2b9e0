"""What every test run needs: a PostgreSQL (``DATABASE_URL`` if set, else one of our own) and a data folder.

The cluster of our own lives in ``.cache/test`` and is shared by test runs that go on at once; each run has
databases of its own in it, and the last run to end stops it.

All of this happens when this file is imported, because Django's settings are read from the environment as
soon as another ``conftest.py`` imports a model.
"""

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import django
import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from psycopg2 import errors, sql
from pytest_django import DjangoDbBlocker

from embedded.binaries import PostgresError
from embedded.postgres import Postgres

pytest_plugins = ["tests.support.staging_areas"]

CLUSTER = Path(__file__).resolve().parent.parent / ".cache" / "test"

# Distinguishes the databases of runs that go on at once on one server; the workers of xdist inherit it.
RUN = "DEPOSIT_TEST_RUN"


class OwnServer:
    """The tests' own PostgreSQL, running while any test run needs it."""

    def __init__(self) -> None:
        CLUSTER.mkdir(parents=True, exist_ok=True)
        self._users: TextIO = (CLUSTER / "users.lock").open("a")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        try:
            self._postgres = self._start()
        except PostgresError:
            # It does not fsync, so a crash of the machine may have broken it; nothing in it is worth keeping.
            self._postgres = self._begin_anew()
        self.url = self._postgres.url()

    def _start(self) -> Postgres:
        postgres = Postgres(CLUSTER, durable=False, say=lambda sentence: None)
        postgres.start()
        return postgres

    def _begin_anew(self) -> Postgres:
        shutil.rmtree(CLUSTER / "postgres", ignore_errors=True)
        (CLUSTER / "postgres.json").unlink(missing_ok=True)
        return self._start()

    def close(self) -> None:
        """Stop the server unless another run uses it."""
        with self._users, contextlib.suppress(BlockingIOError):
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._postgres.stop()


def _drop_databases_of_dead_runs(url: str) -> None:
    """Test runs that were killed leave databases behind; the process id in the name tells which."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test%'")
        for (name,) in cursor.fetchall():
            run = re.search(r"_run(\d+)$", name)
            if run and not Path("/proc", run[1]).exists():
                with contextlib.suppress(errors.ObjectInUse, errors.InvalidCatalogName):
                    cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _prepare() -> OwnServer | None:
    """Set the environment that Django's settings are read from."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["DATA_DIR"] = str(Path(os.environ["DATA_DIR"], worker))
        return None
    server = None
    if "DATABASE_URL" not in os.environ:
        server = OwnServer()
        os.environ["DATABASE_URL"] = server.url
        _drop_databases_of_dead_runs(server.url)
    os.environ[RUN] = f"run{os.getpid()}"
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="deposit-test-")
    os.environ.pop("DEPOSIT_ENV_FILE", None)
    return server


_server = _prepare()
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.testing"
django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """With the settings named in its environment, a worker would read them before it has a folder of its own."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """More workers than processors: half of the time a test waits for the services that it has started."""
    return (os.cpu_count() or 2) * 3 // 2


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind: no folder, and no server unless another run uses it."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["DATA_DIR"], ignore_errors=True)
        if _server is not None:
            _server.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Give this run a database name of its own, after the name of the worker."""
    for database in settings.DATABASES.values():
        test = database.setdefault("TEST", {})
        test["NAME"] = f"{test.get('NAME') or 'test_' + database['NAME']}_{os.environ[RUN]}"


# All but what the migrations make and no test changes. Where the tests may do so, rows are deleted past triggers and
# foreign keys: TRUNCATE makes files anew for every table, index and TOAST table that a CASCADE reaches, some hundreds.
_EMPTY_THE_TABLES = """
    DO $$
    DECLARE
        each record;
        filled boolean;
        others text[];
        few integer := 1000000;
    BEGIN
        BEGIN
            SET LOCAL session_replication_role = replica;
        EXCEPTION WHEN insufficient_privilege THEN
            few := 0;
        END;
        FOR each IN SELECT format('%I', tablename) AS name, pg_relation_size(format('%I', tablename)::regclass) AS size
                    FROM pg_tables
                    WHERE schemaname = 'public' AND tablename NOT IN
                    ('django_migrations', 'django_content_type', 'auth_permission', 'auth_group',
                     'auth_group_permissions') LOOP
            CONTINUE WHEN each.size = 0;
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || each.name || ')' INTO filled;
            CONTINUE WHEN NOT filled;
            IF each.size <= few THEN
                EXECUTE 'DELETE FROM ' || each.name;
            ELSE
                others := others || each.name;
            END IF;
        END LOOP;
        IF others IS NOT NULL THEN
            EXECUTE 'TRUNCATE ' || array_to_string(others, ', ') || ' CASCADE';
        END IF;
    END $$"""


def _empty_the_tables(test: TransactionTestCase) -> None:
    """Clean up after a test that commits, as Django does, but touching only the tables that it filled."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY_THE_TABLES)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that commit are cleaned up after by emptying tables, which the history and the audit refuse."""
    TransactionTestCase._fixture_teardown = _empty_the_tables  # type: ignore[attr-defined]  # the stubs lack it
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deposit_event DISABLE TRIGGER deposit_event_no_truncate")
        cursor.execute("ALTER TABLE deposit_auditrecord DISABLE TRIGGER deposit_audit_no_truncate")


@pytest.fixture(autouse=True)
def no_secrets_in_logs() -> Iterator[None]:
    """Whatever a test does, no password, token or header of it is logged."""
    from tests.support.secrets_in_logs import SecretsInLogs  # noqa: PLC0415  (reads models, which need the settings)

    watch = SecretsInLogs()
    logging.getLogger().addHandler(watch)
    yield
    logging.getLogger().removeHandler(watch)
    assert watch.found == []


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """What a browser's language was in the test before does not matter in this one."""
    translation.activate("en")
    yield
    translation.deactivate()
