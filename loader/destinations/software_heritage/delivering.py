"""The three steps. Each may be run twice: what is there is asked for, and dates are remembered before they are sent."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from archive.identifiers import SWHID, ObjectType, origin_id
from deposit.models import Delivery, Part
from deposit.queue.leases import Lease
from loader.destinations.archive.origin_lock import alone_on_origin
from loader.destinations.software_heritage import objects
from loader.destinations.software_heritage.documents import Documents, documents_of, documents_of_part
from loader.destinations.software_heritage.planning import Plan, send_release, send_tree
from loader.destinations.software_heritage.rpc import Rpc, fields_of, model
from loader.destinations.software_heritage.sending import Sender
from loader.secret_references import SecretMissing, read_secret
from loader.steps import Context, Done, Outcome, Permanent, Transient

_VISIT_TYPE = "deposit"
_ONE_SECOND = timedelta(seconds=1)


@contextmanager
def storage() -> Iterator[Rpc]:
    """The storage. Raises `Permanent` where none is named."""
    if not settings.SOFTWARE_HERITAGE_STORAGE_URL:
        raise Permanent(
            "software_heritage.place",
            "The service does not know where Software Heritage's storage is: an operator has to set "
            "SOFTWARE_HERITAGE_STORAGE_URL.",
        )
    with _server(settings.SOFTWARE_HERITAGE_STORAGE_URL, "The storage") as server:
        yield server


def _server(url: str, name: str) -> Rpc:
    return Rpc(url, name=name, timeout=settings.SOFTWARE_HERITAGE_TIMEOUT, auth=_auth())


def _auth() -> tuple[str, str] | None:
    """User and password for a proxy in front of the servers, by reference."""
    if not settings.SOFTWARE_HERITAGE_PASSWORD:
        return None
    try:
        return settings.SOFTWARE_HERITAGE_USERNAME, read_secret(settings.SOFTWARE_HERITAGE_PASSWORD)
    except SecretMissing as error:
        raise Transient("The key for Software Heritage's storage is not there.", fault=str(error)) from error


@contextmanager
def _sender(lease: Lease) -> Iterator[Sender]:
    with ExitStack() as stack:
        objstorage = None
        if settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL:
            objstorage = stack.enter_context(
                _server(settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL, "The object storage")
            )
        sender = Sender(
            storage=stack.enter_context(storage()),
            objstorage=objstorage,
            lease=lease,
            most_bytes=settings.SOFTWARE_HERITAGE_MAX_CONTENT,
            at_once=max(1, settings.SOFTWARE_HERITAGE_AT_ONCE),
        )
        stack.callback(sender.close)
        yield sender


def send_objects(context: Context) -> Outcome:
    """Send contents, directories, releases and the snapshot; then ask for the snapshot, and compare."""
    deposit = context.deposit
    assert deposit.origin_url is not None
    with _sender(context.lease) as sender:
        # A snapshot names the releases of all deposits of its origin.
        with alone_on_origin(f"{settings.SOFTWARE_HERITAGE_STORAGE_URL} {deposit.origin_url}", context.lease):
            plan = send_tree(context, sender)
            send_release(sender, plan.release)
            sender.storage.call("snapshot/add", snapshots=[objects.snapshot(plan.snapshot)])
        _compare(sender, plan)
        return Done(result={**_identifiers(plan), "sent": sender.sent.as_result()})


def _identifiers(plan: Plan) -> dict[str, str]:
    return {
        "directory": str(SWHID(ObjectType.DIRECTORY, plan.root)),
        "release": str(SWHID(ObjectType.RELEASE, plan.release.id)),
        "snapshot": str(SWHID(ObjectType.SNAPSHOT, plan.snapshot.id)),
        "from": "archive" if plan.archived else "package",
    }


def _compare(sender: Sender, plan: Plan) -> None:
    """What the storage tells of the snapshot has to be what we know, and what it points at has to be there."""
    answer = sender.storage.call("snapshot", snapshot_id=plan.snapshot.id)
    branches = fields_of(answer or {}).get("branches") or {}
    read = objects.read_snapshot(
        (name, None if to is None else fields_of(to)) for name, to in branches.items()
    )
    objects.require_same("snapshot", plan.snapshot.id, read.id)
    lost = sender.missing_directories([plan.root]) | sender.missing(
        "release/missing", "releases", [plan.release.id]
    )
    if lost:
        raise Transient(
            "The storage does not tell of all that it was sent.", fault=f"missing: {[x.hex() for x in lost]}"
        )


def record_visit(context: Context) -> Outcome:
    """Record origin, visit and the visit's status. The visit's date is remembered first, so that it is one visit."""
    origin = context.deposit.origin_url
    again = "visited_at" in context.memory
    if not again:
        context.save(visited_at=datetime.now(UTC).isoformat())
    date = datetime.fromisoformat(context.memory["visited_at"])
    snapshot = SWHID.parse(context.results["send the objects"]["snapshot"]).hash
    with storage() as server:
        assert origin is not None
        server.call("origin/add_multi", origins=[model("Origin", url=origin, id=origin_id(origin))])
        visit = (_visit_of(server, origin, date) if again else None) or _new_visit(server, origin, date)
        context.lease.check()
        status = model(
            "OriginVisitStatus",
            origin=origin,
            visit=visit,
            type=_VISIT_TYPE,
            date=date,
            status="full",
            snapshot=snapshot,
            metadata=None,
        )
        # The moment of the visit is that of its first status, which the storage itself has written.
        server.call("origin/visit_status/add", visit_statuses=[_later(status)])
    return Done(result={"visit": visit, "date": date.isoformat()})


def _visit_of(server: Rpc, origin: str, date: datetime) -> int | None:
    """The visit of that date, which an attempt before may have added."""
    found = server.call("origin/visit/find_by_date", origin=origin, visit_date=date, type=_VISIT_TYPE)
    if found and fields_of(found)["date"] == date:
        return int(fields_of(found)["visit"])
    return None


def _new_visit(server: Rpc, origin: str, date: datetime) -> int:
    visits = server.call(
        "origin/visit/add", visits=[model("OriginVisit", origin=origin, date=date, type=_VISIT_TYPE)]
    )
    return int(fields_of(next(iter(visits)))["visit"])


def _later(status: dict[Any, Any]) -> dict[Any, Any]:
    fields = status[b"d"]
    return {**status, b"d": {**fields, "date": fields["date"].replace(microsecond=0) + _ONE_SECOND}}


def describe(context: Context) -> Outcome:
    """Send the metadata documents, with who says so and who fetched them."""
    sent = context.results["send the objects"]
    documents = documents_of(context.deposit, directory=sent["directory"], release=sent["release"])
    _add(documents, context.lease)
    deposit = context.deposit
    swhid = sent["directory"]
    qualified = (
        f"{swhid};origin={deposit.origin_url};visit={sent['snapshot']};anchor={sent['release']};path=/"
    )
    context.add_identifier("software-heritage", qualified)
    told = {"documents": len(documents.items)}
    if sent["from"] == "archive":
        return Done(result=told)
    for scheme in ("release", "snapshot"):
        context.add_identifier(f"swhid-{scheme}", sent[scheme])
    return Done(result={**told, "swhid": swhid, "swhid_context": qualified})


def describe_alone(part: Part, lease: Lease) -> None:
    """Send a metadata document that came without a package. Raises `Transient`, `Permanent`."""
    _add(documents_of_part(part), lease)


def _add(documents: Documents, lease: Lease) -> None:
    """Who says so and who fetched it come first; all of it is the same when it is sent again."""
    with storage() as server:
        server.call("metadata_authority/add", authorities=documents.authorities)
        server.call("metadata_fetcher/add", fetchers=[documents.fetcher])
        lease.check()
        server.call(
            "raw_extrinsic_metadata/add", metadata=[objects.metadata(each) for each in documents.items]
        )


def inspect(delivery: Delivery) -> Mapping[str, Any]:
    """Whether the storage has what the delivery sent."""
    sent = delivery.activities.filter(name="send the objects").values_list("result", flat=True).first() or {}
    names = [name for name in ("directory", "release", "snapshot") if name in sent]
    if len(names) < 3:
        return {"stored": "nothing", "complete": False, "message": "Nothing was sent to the end yet."}
    methods = {"directory": "directories", "release": "releases", "snapshot": "snapshots"}
    with storage() as server:
        lost = [
            sent[name]
            for name in names
            if server.call(f"{name}/missing", **{methods[name]: [SWHID.parse(sent[name]).hash]})
        ]
        visits = server.call("origin/visit/get_latest", **_latest(delivery))
    if lost:
        return {
            "stored": "part",
            "complete": False,
            "message": f"The storage does not have {', '.join(lost)}.",
        }
    return {
        "stored": "objects and visit" if visits else "objects",
        "complete": bool(visits),
        "message": "The storage has all that was sent."
        if visits
        else "The storage has no visit with it yet.",
    }


def _latest(delivery: Delivery) -> dict[str, Any]:
    return {
        "origin": delivery.deposit.origin_url,
        "type": _VISIT_TYPE,
        "allowed_statuses": ["full"],
        "require_snapshot": True,
    }
