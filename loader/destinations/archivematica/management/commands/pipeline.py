"""``manage.py pipeline``: the Archivematica pipelines that deposits go through."""

import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from loader.destinations.archivematica import capacity, describing, services
from loader.destinations.archivematica.bundles.forms import TransferType
from loader.destinations.archivematica.models import Pipeline
from loader.secret_references import SecretMissing, read_secret

ACTOR = system_actor(Channel.COMMAND)
_TEXTS = {
    "url": "the dashboard's address",
    "user": "who we are for the dashboard",
    "key-ref": "where the dashboard's API key is: env:NAME or file:/path, read by the workers",
    "storage-service-url": "the Storage Service's address",
    "storage-service-user": "who we are for the Storage Service",
    "storage-service-key-ref": "where its API key is: env:NAME or file:/path",
    "transfer-source": "the folder where bundles are put: /path, or sftp://user@host/folder",
    "transfer-source-key-ref": "for SFTP: file:/path of a private key, or env:NAME of a password",
    "known-hosts": "for SFTP: a file with the server's host key, as OpenSSH writes it",
    "path-prefix": "where that folder lies below the location, if not at its top",
    "processing-config": "the name of the processing configuration",
    "storage-time-zone": "in which zone the Storage Service writes its dates (UTC)",
}
_REQUIRED = frozenset({"url", "user", "key-ref", "storage-service-url", "storage-service-user"}) | {
    "storage-service-key-ref",
    "transfer-source",
}
_NUMBERS = {
    "capacity": "how many transfers may be inside at once (1)",
    "transfer-deadline": "how long a transfer may take from its start until it is stored, in seconds",
    "retry-deadline": "how long answers may fail one after the other, in seconds (600)",
    "poll-seconds": "how often the state of a transfer is asked for, in seconds (10)",
}
_SWITCHES = {
    "fixity": "have the Storage Service read and compare each AIP once it is stored",
    "unbag": "take bags apart: their payload becomes the objects",
    "strip-top-level-dir": "leave the one folder away in which everything lies",
    "exclude-hidden-files": "leave files with a dot before their names out, in every type of transfer",
}


def _fields(parser: ArgumentParser, *, required: bool) -> None:
    parser.add_argument("name", metavar="NAME")
    for option, meaning in _TEXTS.items():
        parser.add_argument(f"--{option}", help=meaning, required=required and option in _REQUIRED)
    for option, meaning in _NUMBERS.items():
        parser.add_argument(f"--{option}", type=int, help=meaning)
    for option, meaning in _SWITCHES.items():
        parser.add_argument(f"--{option}", action=BooleanOptionalAction, help=meaning)
    parser.add_argument(
        "--location", type=UUID, help="the UUID of the transfer source in the Storage Service"
    )
    parser.add_argument(
        "--transfer-type", choices=[one.value for one in TransferType], help="what bundles are"
    )
    for which in ("required", "standalone"):
        parser.add_argument(
            f"--{which}-location",
            action="append",
            type=UUID,
            dest=f"{which}_locations",
            metavar="UUID",
            help=f"a {which} location of AIPs; may be given several times",
        )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("required_locations", "standalone_locations"):
        if name in given:
            given[name] = [str(one) for one in given[name]]
    return given


def _writes(
    service: Callable[..., Pipeline], *, required: bool
) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        _fields(parser, required=required)

        def run(name: str, **options: Any) -> Row:
            return describing.whole(service(actor=ACTOR, name=name, **_given(options)))

        return run

    return set_up


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    def run() -> list[dict[str, Any]]:
        return [describing.summary(one) for one in capacity.with_load(Pipeline.objects.order_by("name"))]

    return run


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("name", metavar="NAME")
    return lambda name: describing.whole(services.pipeline_named(name))


def _check(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--wait", type=float, default=60.0, help="how long to wait for a worker, in seconds (60)"
    )

    def run(name: str, wait: float) -> list[dict[str, Any]]:
        pipeline = services.pipeline_named(name)
        found = _here(pipeline) if _has_keys(pipeline) else _by_a_worker(pipeline, wait)
        rows = [{"check": one["name"], "ok": one["ok"], "message": one["message"]} for one in found]
        if not all(row["ok"] for row in rows):
            for row in rows:
                sys.stderr.write(f"{'ok ' if row['ok'] else 'BAD'}  {row['check']}: {row['message']}\n")
            raise CommandError(f"Pipeline {name} cannot be used as it is.")
        return rows

    return run


def _has_keys(pipeline: Pipeline) -> bool:
    """Whether the keys can be read here: those of the environment are the workers'."""
    try:
        read_secret(pipeline.key_ref)
        read_secret(pipeline.storage_service_key_ref)
    except SecretMissing:
        return False
    return True


def _here(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [asdict(one) for one in services.check_pipeline(actor=ACTOR, name=pipeline.name)]


def _by_a_worker(pipeline: Pipeline, wait: float) -> list[dict[str, Any]]:
    services.ask_for_check(actor=ACTOR, name=pipeline.name)
    deadline = time.monotonic() + wait
    while not pipeline.report:
        if time.monotonic() > deadline:
            raise CommandError("The keys cannot be read here, and no worker has looked yet.")
        time.sleep(0.2)
        pipeline.refresh_from_db(fields=["report"])
    return list(pipeline.report["checks"])


def _pauses(paused: bool) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("name", metavar="NAME")
        return lambda name: describing.summary(services.set_paused(actor=ACTOR, name=name, paused=paused))

    return set_up


def _remove(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("name", metavar="NAME")

    def run(name: str) -> Row:
        services.remove_pipeline(actor=ACTOR, name=name)
        return {"removed": name}

    return run


def _free(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--delivery", type=int, required=True, help="the delivery that holds the place")

    def run(name: str, delivery: int) -> Row:
        return describing.place(services.free_place(actor=ACTOR, name=name, delivery_id=delivery))

    return run


class Command(ActionsCommand):
    """Add, look at and pause pipelines."""

    help = "The Archivematica pipelines that deposits go through."
    verbs = {
        "add": ("make a pipeline known", _writes(services.add_pipeline, required=True)),
        "change": (
            "change a pipeline: what is not given stays",
            _writes(services.change_pipeline, required=False),
        ),
        "list": ("show all pipelines and how full they are", _list),
        "show": ("show one pipeline, its settings and what is inside", _show),
        "check": ("look whether a pipeline can be used", _check),
        "pause": ("give a pipeline no more work", _pauses(True)),
        "resume": ("give it work again", _pauses(False)),
        "free": ("give back a place that is held by a delivery that has ended", _free),
        "remove": ("forget a pipeline that was never used", _remove),
    }
