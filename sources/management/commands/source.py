"""``manage.py source``: watched folders and buckets."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.management.profile_options import add_profile_options, take_profile_options
from deposit.models import Profile
from sources import report, selectors, services
from sources.models import ItemState, Source, SourceKind
from sources.watching import serve_once

ACTOR = system_actor(Channel.COMMAND)


def _doing(run: Callable[..., Any]) -> Callable[..., Any]:
    """Words of a `SourceError` for the terminal."""

    def wrapped(**arguments: Any) -> Any:
        try:
            return run(**arguments)
        except services.SourceError as error:
            raise CommandError(str(error)) from error

    return wrapped


def _add(parser: ArgumentParser) -> Callable[..., Row]:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    folder = kinds.add_parser("folder", help="a folder on this machine, or one that is mounted")
    bucket = kinds.add_parser("bucket", help="a bucket, or what lies below a prefix in one")
    for each in (folder, bucket):
        each.add_argument("name", help="letters, digits, '.', '_' and '-'")
    folder.add_argument("--path", dest="location", required=True, help="the folder")
    folder.add_argument("--polling", action="store_true", help="do without kernel events")
    folder.add_argument("--completed-dir", metavar="D", help="move originals there once they are stored")
    bucket.add_argument(
        "--url",
        dest="location",
        required=True,
        help="s3://bucket/prefix?endpoint=…&region=…, percent-encoded",
    )
    bucket.add_argument("--events", default="listing", help="listing, sqs:URL, redis:URL#LIST or webhook")
    bucket.add_argument(
        "--credentials-ref", metavar="REF", help="env:PREFIX or file:PATH, if not where boto3 looks"
    )
    for each in (folder, bucket):
        _add_common(each)

    @_doing
    def run(name: str, kind: str, **fields: Any) -> Row:
        fields["profile_options"] = take_profile_options(fields) or {}
        given = {field: value for field, value in fields.items() if value is not None}
        source = services.add_source(actor=ACTOR, name=name, kind=SourceKind(kind), **given)
        told = selectors.source_summary(source)
        if source.events == "webhook":
            told["webhook_token"] = services.new_webhook_token(actor=ACTOR, name=name)
        return told

    return run


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument("--collection", required=True, metavar="C", help="where the deposits go")
    parser.add_argument("--profile", choices=Profile.values, help="what is demanded of the packages")
    add_profile_options(parser)
    parser.add_argument(
        "--stable-seconds", type=float, metavar="N", help="how long an upload must be unchanged"
    )
    parser.add_argument("--ignore", metavar="RE", help="names to leave alone")
    parser.add_argument(
        "--retention-days", type=float, metavar="N", help="delete originals N days after storage"
    )
    parser.add_argument("--strip-top-level-dir", action="store_true", help="leave the one folder inside away")
    parser.add_argument("--reject-duplicates", action="store_true", help="by name and by content")
    parser.add_argument(
        "--exclude-hidden-files", action="store_true", help="leave hidden files of folders out"
    )
    parser.add_argument(
        "--alert-hours", type=float, metavar="N", help="alert when something is not stored by then"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def _named(parser: ArgumentParser) -> None:
    parser.add_argument("name", help="the source")


def _list(parser: ArgumentParser) -> Callable[..., list[Row]]:
    def run() -> list[Row]:
        found = selectors.with_counts(
            Source.objects.filter(removed_at__isnull=True).select_related("collection")
        )
        names = (
            "name",
            "kind",
            "location",
            "collection",
            "profile",
            "paused",
            "scanned_at",
            "trouble",
            "items",
        )
        told = [selectors.source_summary(source) for source in found.order_by("name")]
        return [{name: row[name] for name in names} for row in told]

    return run


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    _named(parser)

    @_doing
    def run(name: str) -> Row:
        source = services.source_named(name)
        return selectors.source_summary(
            selectors.with_counts(Source.objects.select_related("collection")).get(pk=source.pk)
        )

    return run


def _items(parser: ArgumentParser) -> Callable[..., list[Row]]:
    _named(parser)
    parser.add_argument("--state", choices=ItemState.values, default="", help="only these")
    parser.add_argument("--key", default="", help="only this one")
    parser.add_argument("--limit", type=int, help="at most so many, the newest")

    @_doing
    def run(name: str, state: str, key: str, limit: int | None) -> list[Row]:
        found = selectors.items_of(services.source_named(name), state=state, key=key)
        return list(selectors.item_summaries(found[:limit]))

    return run


def _scan(parser: ArgumentParser) -> Callable[..., Row]:
    _named(parser)

    @_doing
    def run(name: str) -> Row:
        source = services.source_named(name)
        here = serve_once(source)
        if not here:
            services.want_scan(name=name)
        counts = selectors.with_counts(Source.objects.select_related("collection")).get(pk=source.pk)
        return {
            "name": name,
            "scanned": "here" if here else "by the watcher, within seconds",
            "items": selectors.source_summary(counts)["items"],
        }

    return run


def _retry(parser: ArgumentParser) -> Callable[..., Row]:
    _named(parser)
    parser.add_argument("key", help="the file, directory or object")

    @_doing
    def run(name: str, key: str) -> Row:
        services.retry_item(actor=ACTOR, name=name, key=key)
        return {"name": name, "key": key, "state": ItemState.WAITING.value}

    return run


def _pausing(paused: bool) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        _named(parser)

        @_doing
        def run(name: str) -> Row:
            return {"name": name, "paused": services.set_paused(actor=ACTOR, name=name, paused=paused).paused}

        return run

    return set_up


def _report(parser: ArgumentParser) -> Callable[..., list[Row]]:
    parser.add_argument("--days", type=float, default=7.0, help="what came in during so many days")
    parser.add_argument(
        "--hours", type=float, help="overdue after so many hours, in place of each source's own"
    )

    def run(days: float, hours: float | None) -> list[Row]:
        return list(report.as_rows(report.lines(days, hours=hours)))

    return run


def _token(parser: ArgumentParser) -> Callable[..., Row]:
    _named(parser)

    @_doing
    def run(name: str) -> Row:
        return {"name": name, "webhook_token": services.new_webhook_token(actor=ACTOR, name=name)}

    return run


def _remove(parser: ArgumentParser) -> Callable[..., Row]:
    _named(parser)

    @_doing
    def run(name: str) -> Row:
        services.remove_source(actor=ACTOR, name=name)
        return {"name": name, "removed": True}

    return run


class Command(ActionsCommand):
    """Add, show and change sources."""

    help = "Watched folders and buckets."
    verbs = {
        "add": ("watch a folder or bucket", _add),
        "list": ("show all sources", _list),
        "show": ("show one source", _show),
        "items": ("show what a source has seen, and what became of it", _items),
        "scan": ("look now at everything that is there", _scan),
        "retry": ("take in again what was rejected or failed", _retry),
        "pause": ("take nothing in until resumed", _pausing(True)),
        "resume": ("go on", _pausing(False)),
        "token": ("make a new token for a bucket's events; the old one ends", _token),
        "report": ("show what came in, and what is not stored in time", _report),
        "remove": ("watch it no longer; its deposits stay", _remove),
    }
