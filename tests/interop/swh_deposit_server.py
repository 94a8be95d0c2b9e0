"""Runs inside the environment of swh-deposit: the server, and its checker and loader on command.

Usage: ``python swh_deposit_server.py PORT``; configured by ``SWH_CONFIG_FILENAME``. Each line of standard input is a
JSON object with ``do``; the answer is a line ``ANSWER <JSON>``.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

settings.MEDIA_URL = "uploads/"
django.setup()

from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from swh.core.config import load_from_envvar  # noqa: E402
from swh.deposit.loader.checker import DepositChecker  # noqa: E402
from swh.deposit.models import Deposit, DepositClient, DepositCollection  # noqa: E402
from swh.loader.package.deposit.loader import ApiClient, DepositLoader  # noqa: E402
from swh.scheduler import get_scheduler  # noqa: E402
from swh.scheduler.model import TaskType  # noqa: E402
from swh.storage import get_storage  # noqa: E402

# Each request of a client costs one.
PBKDF2PasswordHasher.iterations = 1000


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Without a log."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def hello() -> str:
    """That the server is up."""
    return "hello"


def user(username: str, password: str, collections: list[str], **fields: Any) -> int:
    """Make a client; several collections, which the command cannot."""
    numbers = [DepositCollection.objects.get_or_create(name=name)[0].pk for name in collections]
    client, _ = DepositClient.objects.get_or_create(username=username)
    client.set_password(password)
    client.collections = numbers
    for name, value in fields.items():
        setattr(client, name, value)
    client.save()
    return int(client.pk)


def check(id: int, collection: str) -> Any:
    """What the checking task does."""
    return DepositChecker().check(collection, str(id))


def load(id: int) -> Any:
    """What the loading task does; and how long it took, in seconds."""
    config = load_from_envvar()
    began = time.monotonic()
    loader = DepositLoader(
        storage=get_storage(**config["storage"]),
        url=Deposit.objects.get(pk=id).origin_url,
        deposit_id=str(id),
        deposit_client=ApiClient(url=config["deposit"]["url"], auth=None),
    )
    return {**loader.load(), "seconds": time.monotonic() - began}


def deposit(username: str, collection: str, package: str, origin: str) -> int:
    """What a client sends, with the library; its password is its name."""
    from swh.deposit.client import PublicApiDepositClient  # noqa: PLC0415

    entry = Path(package + ".xml")
    entry.write_text(
        '<entry xmlns="http://www.w3.org/2005/Atom" xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0" '
        'xmlns:swh="https://www.softwareheritage.org/schema/2018/deposit"><title>The same</title>'
        "<author><name>Ada</name></author><codemeta:dateCreated>2024-02-03</codemeta:dateCreated>"
        f'<swh:deposit><swh:create_origin><swh:origin url="{origin}"/></swh:create_origin></swh:deposit></entry>'
    )
    url = load_from_envvar()["deposit"]["url"].removesuffix("private/")
    client = PublicApiDepositClient(url=url, auth=(username, username))
    answer = client.deposit_create(
        collection, in_progress=False, archive=package, metadata=str(entry), slug=None
    )
    return int(answer.get("deposit_id") or answer["swh:deposit_id"])


def change(id: int, **fields: Any) -> None:
    """What an administrator does by hand."""
    Deposit.objects.filter(pk=id).update(**fields)


def rows() -> list[Any]:
    """All deposits."""
    return list(Deposit.objects.order_by("pk").values("id", "status", "type", "swhid", "origin_url"))


def generate(number: int) -> int:
    """Many done deposits, each with a package and a document, written straight into the tables."""
    from swh.deposit.models import DepositRequest  # noqa: PLC0415

    client, collection = DepositClient.objects.first(), DepositCollection.objects.first()
    first = Deposit.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    moment = datetime.now(UTC)
    for begin in range(first + 1, first + number + 1, 2000):
        some = range(begin, min(begin + 2000, first + number + 1))
        Deposit.objects.bulk_create(
            [
                Deposit(
                    id=pk,
                    client=client,
                    collection=collection,
                    status="done",
                    complete_date=moment,
                    origin_url=f"https://hal.example.org/generated-{pk}",
                    external_id=f"generated-{pk}",
                    swhid=f"swh:1:dir:{pk:040x}",
                    swhid_context=f"swh:1:dir:{pk:040x};origin=https://hal.example.org/generated-{pk};"
                    f"visit=swh:1:snp:{pk:040x};anchor=swh:1:rel:{pk:040x};path=/",
                    software_version="1",
                )
                for pk in some
            ]
        )
        document = (
            '<entry xmlns="http://www.w3.org/2005/Atom"><title>Generated {}</title>' + "<!--" + "x" * 2000
        )
        DepositRequest.objects.bulk_create(
            [
                request
                for pk in some
                for request in (
                    DepositRequest(deposit_id=pk, type="archive", archive=f"client_1/{pk % 1000}/{pk}.zip"),
                    DepositRequest(
                        deposit_id=pk, type="metadata", raw_metadata=document.format(pk) + "--></entry>"
                    ),
                )
            ]
        )
    return first + 1


def main() -> None:
    """Serve, and do what standard input says."""
    call_command("migrate", verbosity=0)
    scheduler = get_scheduler(**load_from_envvar()["scheduler"])
    for name in ("check-deposit", "load-deposit"):
        scheduler.create_task_type(TaskType(type=name, description=name, backend_name=name))
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    does = {each.__name__: each for each in (hello, user, deposit, check, load, change, rows, generate)}
    for line in sys.stdin:
        arguments = json.loads(line)
        answer = does[arguments.pop("do")](**arguments)
        sys.stdout.write("ANSWER " + json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


main()
