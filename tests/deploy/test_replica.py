"""Reads from a standby, with two clusters: which answers, and that nobody misses what he was told is done."""

import os
import re
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.deploy.test_standby import PASSWORD, Cluster, clusters, environment, make_standby, manage
from tests.support.restarting_server import restarting_server
from tests.support.samples import atom_entry

__all__ = ["clusters"]
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1"),
]
_LISTS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT \"deposit_deposit\"%'"


def post(url: str) -> int:
    kind = {"Content-Type": "application/atom+xml;type=entry", "In-Progress": "true"}
    answer = httpx.post(
        f"{url}/1/papers/", content=atom_entry(), headers=kind, auth=("reader", PASSWORD), timeout=30
    )
    assert answer.status_code == 201, answer.text
    return int(re.findall(r"/papers/(\d+)/", answer.headers["Location"])[0])


def listed(url: str) -> list[int]:
    answer = httpx.get(f"{url}/api/deposits/", auth=("reader", PASSWORD), timeout=30)
    assert answer.status_code == 200, answer.text
    return [deposit["id"] for deposit in answer.json()["results"]]


def asked(cluster: Cluster, statement: str) -> str:
    return cluster.run(f"psql -d deposit -Atc \"$(cat <<'SQL'\n{statement}\nSQL\n)\"").strip()


def reads(cluster: Cluster, url: str) -> bool:
    """Whether a list is read there: its sessions forget what they did last, and one list is asked for."""
    asked(
        cluster,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deposit web'",
    )
    listed(url)
    return asked(cluster, _LISTS) != "0"


def test_lists_come_from_the_standby_and_never_late(
    clusters: tuple[Cluster, Cluster], tmp_path: Path
) -> None:
    primary, standby = clusters
    make_standby(primary, standby, tmp_path)
    # The primary waits for the standby's disk, not for what it makes of it: the standby may be behind.
    words = ("user", "create", "--username", "reader", "--password-stdin", "--collection", "papers")
    for command in (
        ("collection", "create", "--name", "papers"),
        (*words, "--provider-url", "https://e.org/"),
    ):
        done = manage(*command, primary=primary, standby=standby, folder=tmp_path, given=PASSWORD + "\n")
        assert done.returncode == 0, done.stdout + done.stderr
    variables = environment(primary, standby, tmp_path)
    replica = f"postgres://postgres:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{standby.port}/deposit"
    with restarting_server(**variables, DATABASE_REPLICA_URL=replica) as server:
        own = [post(server.url)]
        assert listed(server.url) == own
        assert (reads(standby, server.url), reads(primary, server.url)) == (True, False)

        # Each finds its own at once, whatever the others do.
        def deposit_and_look() -> None:
            for _ in range(10):
                number = post(server.url)
                own.append(number)
                missing.extend({number} - set(listed(server.url)))

        missing: list[int] = []
        threads = [threading.Thread(target=deposit_and_look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (missing, len(own)) == ([], 21)

        # A standby that is behind is passed over, and one that is back is asked again.
        asked(standby, "SELECT pg_wal_replay_pause()")
        number = post(server.url)
        assert number in listed(server.url)
        assert int(asked(standby, "SELECT max(id) FROM deposit_deposit")) < number
        asked(standby, "SELECT pg_wal_replay_resume()")
        time.sleep(6)
        assert reads(standby, server.url)

        # And one that is gone costs nobody an answer.
        primary.run(
            'psql -c "ALTER SYSTEM RESET synchronous_standby_names"', 'psql -c "SELECT pg_reload_conf()"'
        )
        standby.run('pg_ctl stop -m immediate -D "$PGDATA" > /dev/null')
        assert number in listed(server.url)
        assert post(server.url) in listed(server.url)
