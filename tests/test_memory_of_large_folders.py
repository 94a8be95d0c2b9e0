"""A web worker stays small while many read one file each of a very large folder, and while they list and pack it."""

import http.client
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models.functions import Now

from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.tree import Tree
from deposit.models import Deposit, Status
from tests.support.factories import logged_in, new_client, new_collection
from tests.support.gunicorn_server import gunicorn_server, on_the_tests_database

pytestmark = pytest.mark.django_db(transaction=True)

FILES = int(os.environ.get("LARGE_FOLDER_FILES", "200000"))
AT_ONCE = 16
MOST_MIB = 64


@pytest.fixture
def folder() -> tuple[str, int, str]:
    """A deposit of one folder with very many files: the cookie of its client, its number, the folder's SWHID."""
    with Ingest() as ingest:
        tree = Tree()
        content = ingest.add_content(b"the same in each")
        for number in range(FILES):
            tree.add_file(b"file-%07d" % number, content)
        root = SWHID(ObjectType.DIRECTORY, ingest.add_tree(tree))
        tree.close()
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    collection = new_collection("hal")
    client = new_client(collection)
    deposit = Deposit.objects.create(client=client, collection=collection)
    Deposit.objects.filter(pk=deposit.pk).update(
        status=Status.DONE,
        type="code",
        swhid=str(root),
        swhid_context=f"{root};origin=https://hal.example.org/x",
        origin_url="https://hal.example.org/x",
        complete_date=Now(),
    )
    cookie = logged_in(client.user).cookies["sessionid"].value
    return f"sessionid={cookie}", deposit.pk, str(root)


@pytest.fixture
def port() -> Iterator[int]:
    with on_the_tests_database(), gunicorn_server("settings.wsgi") as number:
        yield number


def workers(port: int) -> list[Path]:
    """The processes of the server that listens there."""
    return [
        process
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and f"PORT={port}\0".encode() in environment_of(process)
    ]


def environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def mebibytes(process: Path, name: str) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name + ":"))


def get(port: int, path: str, cookie: str, most: int = 1024**2) -> int:
    """The status of an answer, of which no more is read than that."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read(most)
    connection.close()
    return answer.status


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="The peak of memory is told by Linux only."
)
def test_a_worker_stays_small_while_many_look_into_a_large_folder(
    folder: tuple[str, int, str], port: int
) -> None:
    cookie, deposit, root = folder
    small = [f"/deposits/{deposit}/", "/api/deposits/", f"/archive/{root[:-1]}x/"] * AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # An idle worker is one that has served as many before.
        assert set(pool.map(lambda path: get(port, path, cookie), small)) == {200, 400}
    paths = [f"/archive/{root}/file-{number * (FILES // AT_ONCE):07d}" for number in range(AT_ONCE)]
    paths += [f"/archive/{root}/?format={form}" for form in ("tar", "zip", "tar.gz")] * 4
    paths += [f"/deposits/{deposit}/files/?after=file-{FILES // 2:07d}", f"/deposits/{deposit}/files/"] * 4
    processes = workers(port)
    idle = {}
    for process in processes:
        (process / "clear_refs").write_text("5")
        idle[process] = mebibytes(process, "VmRSS")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda path: get(port, path, cookie), paths))

    grown = [mebibytes(process, "VmHWM") - idle[process] for process in processes]
    assert (set(statuses), len(processes)) == ({200}, 2)
    assert max(grown) < MOST_MIB, grown
