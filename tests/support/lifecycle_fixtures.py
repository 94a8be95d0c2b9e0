"""Deposits in every status, brought there as in life: through services, lifecycle, checker and loader."""

from datetime import timedelta

from django.db.models.functions import Now

from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.metadata.entry import read_entry
from deposit.models import (
    Client,
    Collection,
    DeletionRequest,
    Deposit,
    EventName,
    Status,
    Withdrawal,
    WorkItem,
)
from deposit.queue import items
from deposit.queue.claims import Claim
from deposit.queue.dispatcher import release_passed_leases
from deposit.services import deposits
from deposit.services.parts import Package, Submission
from deposit.staging.files import StagedFile
from deposit.staging.storage import staging_file
from tests.support.factories import acting_as, new_client, new_collection, new_deposit
from tests.support.samples import atom_entry, create_origin, make_zip

ORIGIN = "https://hal.example.org/soft"
FILES = {"pkg/readme.txt": b"hello\n", "pkg/run": b"#!/bin/sh\n"}


def staged(data: bytes) -> StagedFile:
    """Bytes in the staging area, as after an upload."""
    with staging_file(limit=len(data) or 1) as file:
        file.write(data)
        return file.finish()


def package(data: bytes, name: str = "package.zip") -> Package:
    """A package that has arrived."""
    return Package(staged=staged(data), name=name, content_type="application/zip")


def depositor(provider_url: str = "https://hal.example.org/") -> tuple[Client, Collection]:
    """A client with its collection."""
    collection = new_collection()
    return new_client(collection, provider_url=provider_url), collection


def sent(
    *packages: bytes,
    entry: bytes | None = None,
    who: tuple[Client, Collection] | None = None,
    origin: str = ORIGIN,
    version: str | None = None,
    complete: bool = True,
) -> Deposit:
    """A deposit of these packages (a small zip when none is given) and an entry, complete unless told otherwise."""
    client, collection = who or depositor()
    told = f"<codemeta:softwareVersion>{version}</codemeta:softwareVersion>" if version else ""
    document = atom_entry(create_origin(origin) + told) if entry is None else entry
    deposit = deposits.create(
        actor=acting_as(client),
        collection=collection,
        submission=Submission(entry=read_entry(document)),
        in_progress=True,
        slug=None,
    )
    for data in packages or (make_zip(FILES),):
        deposits.add(
            actor=acting_as(client),
            deposit=deposit,
            submission=Submission(package=package(data)),
            in_progress=True,
        )
    if complete:
        deposits.complete(actor=acting_as(client), deposit=deposit)
    deposit.refresh_from_db()
    return deposit


def claimed(work: Work, deposit: Deposit, worker: str = "worker") -> Claim:
    """A claim that must succeed."""
    claim = items.claim(work, deposit.pk, worker=worker)
    assert claim is not None
    return claim


def work_of(deposit: Deposit) -> WorkItem:
    """The one open piece of work of a deposit."""
    return WorkItem.objects.get(deposit=deposit)


def pass_lease(deposit: Deposit) -> None:
    """Let the lease on a deposit's work pass, as if its worker had been silent for long; or the wait for its turn."""
    past = Now() - timedelta(seconds=1)
    WorkItem.objects.filter(deposit=deposit, lease_expires_at__isnull=False).update(lease_expires_at=past)
    WorkItem.objects.filter(deposit=deposit, due_at__gt=past).update(due_at=past)


def fall_silent(deposit: Deposit) -> None:
    """The same, and the dispatcher has taken the work back."""
    pass_lease(deposit)
    release_passed_leases()


IDENTIFIERS = {
    "swhid": "swh:1:dir:" + "a" * 40,
    "swhid_context": "swh:1:dir:" + "a" * 40 + ";path=/",
    "release_swhid": "swh:1:rel:" + "b" * 40,
    "snapshot_swhid": "swh:1:snp:" + "c" * 40,
}


def in_status(status: Status, deposit: Deposit | None = None) -> Deposit:
    """A deposit (without parts when none is given) that the lifecycle brought into a status."""
    deposit = deposit or new_deposit(origin_url=ORIGIN)
    for step in _WAYS[status]:
        if step in ("check", "start"):
            token = claimed(Work.CHECK if step == "check" else Work.LOAD, deposit).token
        elif step in ("verify", "reject", "finish", "fail"):
            changes = IDENTIFIERS if step == "finish" else {}
            lifecycle.fire(EventName(step), deposit.pk, actor="test", token=token, changes=changes)
        else:
            lifecycle.fire(EventName(step), deposit.pk, actor="test")
    deposit.refresh_from_db()
    assert deposit.status == status
    return deposit


_VERIFIED = ("complete", "check", "verify")
_WAYS: dict[Status, tuple[str, ...]] = {
    Status.PARTIAL: (),
    Status.EXPIRED: ("expire",),
    Status.DEPOSITED: ("complete",),
    Status.VERIFIED: _VERIFIED,
    Status.REJECTED: ("complete", "check", "reject"),
    Status.LOADING: (*_VERIFIED, "start"),
    Status.DONE: (*_VERIFIED, "start", "finish"),
    Status.FAILED: (*_VERIFIED, "start", "fail"),
}


def withdrawn(deposit: Deposit) -> None:
    """As after two people's decision."""
    asked = DeletionRequest.objects.create(
        deposit=deposit,
        kind="withdraw",
        state="approved",
        requester=new_client().user,
        reviewer=new_client().user,
        reason="Asked for by its author.",
        expires_at=Now(),
        ended_at=Now(),
    )
    Withdrawal.objects.create(
        deposit=deposit, request=asked, reason=asked.reason, decided_by="b", citation="c"
    )
