"""Erasures and backups: what was erased is written down beside the backups, taken out of them, and erased again when an
older one is restored.

    FOLDER/erasures/<request>.json      one for each erasure: the request, and what it erased; no content

A worker that erases something writes it into the folders of backups that it reaches, and every backup does so for its
own folder. A backup then removes the packs that hold what was erased, and the packages as they were sent; manifests of
older instants name the pack that holds the rest (``replaced``).
"""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from archive import index
from archive.erasure import erase, mark_erased
from archive.identifiers import SWHID
from archive.models import TYPES, ErasedObject, Pack
from archive.packs import PackReader
from archive.packs.reader import PackFile
from archive.places import erased_among
from archive.storage import SUFFIX, default_storage
from deposit.erasure.approving import forget_whole
from deposit.erasure.record import forget, forget_original
from deposit.erasure.work import ask_for_erasing
from deposit.models import DeletionKind, DeletionRequest, DeletionState, Deposit, Status, TakenBackup
from deposit.models.deletions import reference_to
from deposit.operations import pack_files
from deposit.operations.durable import Say, write_durably

logger = logging.getLogger(__name__)

FOLDER = "erasures"
_TIMES = ("requested_at", "expires_at", "ended_at", "erased_at")


# --- Writing down --------------------------------------------------------------------------------------
def write_down(folder: Path) -> int:
    """Write the erasures that are approved into a folder of backups; returns how many are. Raises OSError."""
    approved = list(_approved().select_related("requester", "reviewer").order_by("id"))
    for asked in approved:
        target = folder / FOLDER / f"{asked.pk}.json"
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            write_durably(target, json.dumps(_told(asked), indent=1).encode())
    return len(approved)


def _approved() -> QuerySet[DeletionRequest]:
    return DeletionRequest.objects.filter(kind=DeletionKind.ERASE, state=DeletionState.APPROVED)


def tell_known_folders() -> None:
    """The same for every folder of backups that this process reaches; what cannot be written is logged."""
    host = socket.gethostname()
    for place in TakenBackup.objects.order_by().values_list("place", flat=True).distinct():
        name, _, folder = place.partition(":")
        if name != host or not Path(folder).is_dir():
            continue
        try:
            write_down(Path(folder))
        except OSError as error:
            logger.warning("erasures are not written down in %s: %s", folder, error)


def note_taken(folder: Path, instant: str) -> None:
    """Remember that a backup was made, and where."""
    place = f"{socket.gethostname()}:{folder.resolve()}"[:2000]
    TakenBackup.objects.get_or_create(place=place, instant=instant)


def _told(asked: DeletionRequest) -> dict[str, Any]:
    objects = ErasedObject.objects.filter(reference=reference_to(asked.pk)).values_list("kind", "sha1_git")
    return {
        "request": asked.pk,
        "deposit": asked.deposit_id,
        "requester": asked.requester.get_username(),
        "reviewer": asked.reviewer.get_username() if asked.reviewer else "",
        "reason": asked.reason,
        "note": asked.note,
        "named": asked.objects_named,
        "plan": asked.plan,
        "staged": asked.staged,
        **{name: moment.isoformat() if (moment := getattr(asked, name)) else None for name in _TIMES},
        "objects": [str(SWHID(TYPES[kind], bytes(sha1_git))) for kind, sha1_git in objects.iterator()],
    }


# --- Taking out of older instants ----------------------------------------------------------------------
def take_out(folder: Path, manifests: list[Path], *, say: Say) -> None:
    """Remove what was erased from the packs and staged files that the backups of a folder share. Raises OSError.

    Of what is erased by now, and only once. A manifest is rewritten before a file goes that it named: killed in
    between, and run again, it ends the same.
    """
    erased = _approved().filter(erased_at__isnull=False).values_list("pk", flat=True)
    marks = [folder / FOLDER / f"{number}.taken-out" for number in erased]
    if all(mark.exists() for mark in marks):
        return
    current = {pack.name: pack.size for pack in Pack.objects.in_storage().iterator()}
    gone = {name: new for name in _old_packs(folder, current) if (new := _instead(folder, name))}
    staged = set(_erased_files())
    for path in manifests:
        _rewrite_manifest(path, gone, staged, current)
    for name in gone:
        pack_files.found(folder, name).unlink(missing_ok=True)
    for name in staged:
        (folder / "staging" / name).unlink(missing_ok=True)
    for mark in marks:
        write_durably(mark, b"")
    if gone:
        say(f"packs that held what was erased, and are removed from the folder: {len(gone)}")
    older = [path.parent.name for path in manifests if _is_older(path)]
    if older:
        say(
            f"The records of {len(older)} older backups still describe what was erased since (titles, metadata "
            f"documents): remove these folders once nobody needs them. The first: {older[0]}"
        )


def _old_packs(folder: Path, current: dict[str, int]) -> Iterator[str]:
    for path in sorted((folder / "packs").rglob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name not in current:
            yield name


def _instead(folder: Path, name: str) -> str | None:
    """The pack that holds what is left of one that holds something erased; None where there is nothing to remove."""
    with closing(_pack_in(folder, name)) as file, closing(PackReader(file)) as reader:
        objects = [row.swhid for row in reader.rows() if row.name.startswith("swh:")]
        if not erased_among(objects):
            return None
    row = Pack.objects.filter(sha256=bytes.fromhex(name)).select_related("replaced_by").first()
    return row.replaced_by.name if row and row.replaced_by else None


def _erased_files() -> Iterator[str]:
    for names in _approved().values_list("staged", flat=True):
        yield from names


def _rewrite_manifest(path: Path, gone: dict[str, str], staged: set[str], sizes: dict[str, int]) -> None:
    manifest = json.loads(path.read_text())
    replaced: dict[str, str] = manifest.get("replaced", {})
    packs: dict[str, int] = manifest["packs"]
    # What stands for another may have been erased in as well.
    changed = {old: gone.get(new, new) for old, new in replaced.items()}
    changed |= {old: new for old, new in gone.items() if old in packs and old not in replaced.values()}
    kept = {name: size for name, size in packs.items() if name not in gone}
    kept |= {name: sizes[name] for name in changed.values() if name in sizes}
    files = {name: size for name, size in manifest["staged"].items() if name not in staged}
    if (kept, files, changed) != (packs, manifest["staged"], replaced):
        manifest |= {"packs": kept, "staged": files, "replaced": changed}
        write_durably(path, json.dumps(manifest, indent=1).encode())


def _is_older(path: Path) -> bool:
    """Whether something was erased after the backup was made. Instants are named by their moments in UTC."""
    newest = _approved().aggregate(newest=Max("ended_at"))["newest"]
    return newest is not None and path.parent.name < f"{newest.astimezone(UTC):%Y-%m-%dT%H%M%S}Z"


class _File:
    """A pack in a folder of backups."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)

    def close(self) -> None:
        self._file.close()


def _pack_in(folder: Path, name: str) -> PackFile:
    return _File(pack_files.found(folder, name), name)


# --- After a restore -----------------------------------------------------------------------------------
def apply_again(folder: Path, replaced: dict[str, str], *, say: Say) -> int:
    """Erase what the restored record does not know to be erased; returns how many erasures that was.

    Raises `ArchiveError`, OSError; run again, it goes on.
    """
    told = [json.loads(path.read_text()) for path in sorted((folder / FOLDER).glob("*.json"))]
    again = [one for one in told if not _is_approved(one["request"])]
    for one in sorted(again, key=lambda each: int(each["request"])):
        with transaction.atomic():
            _apply(one)
    for old, new in replaced.items():
        with transaction.atomic():
            _replace(old, new)
    if again:
        for _ in erase(default_storage()):
            pass
        say(f"erased again: {len(again)} (they were erased after this backup was made)")
    return len(again)


def _is_approved(number: int) -> bool:
    return DeletionRequest.objects.filter(pk=number, state=DeletionState.APPROVED).exists()


def _apply(told: dict[str, Any]) -> None:
    deposit = Deposit.objects.select_for_update().filter(pk=told["deposit"]).first()
    mark_erased(map(SWHID.parse, told["objects"]), reference_to(told["request"]))
    if deposit is None:
        return  # it came after the backup; what it brought must not come again all the same
    asked = _request(told, deposit)
    if told["named"]:
        staged = forget_original(deposit)
    elif deposit.status == Status.DONE:
        staged = forget_whole(asked, deposit, actor=told["reviewer"])
    else:
        # It was on its way at that moment: the checks refuse what was marked.
        staged = forget(deposit)
    DeletionRequest.objects.filter(pk=asked.pk).update(staged=sorted({*staged, *told["staged"]}))
    ask_for_erasing(asked)


def _request(told: dict[str, Any], deposit: Deposit) -> DeletionRequest:
    """The request as it was decided, in the place of what the older record says of it."""
    DeletionRequest.objects.filter(deposit=deposit, state=DeletionState.REQUESTED).exclude(
        pk=told["request"]
    ).update(state=DeletionState.CANCELLED, ended_at=told["ended_at"])
    asked, _ = DeletionRequest.objects.update_or_create(
        pk=told["request"],
        defaults={
            "deposit": deposit,
            "kind": DeletionKind.ERASE,
            "state": DeletionState.APPROVED,
            "requester": _user(told["requester"]),
            "reviewer": _user(told["reviewer"]),
            "objects_named": told["named"],
            "erased_at": None,
            **{name: told[name] for name in ("reason", "note", "plan", "expires_at", "ended_at")},
        },
    )
    DeletionRequest.objects.filter(pk=asked.pk).update(requested_at=told["requested_at"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('deposit_deletionrequest', 'id'), "
            "(SELECT max(id) FROM deposit_deletionrequest))"
        )
    return asked


def _user(name: str) -> User:
    """Who took part; somebody whom the older record does not know is a name who cannot log in."""
    user, made = User.objects.get_or_create(username=name, defaults={"is_active": False})
    if made:
        user.set_unusable_password()
        user.save()
    return user


def _replace(old: str, new: str) -> None:
    """Find what is left of a pack where it is now; in the caller's transaction."""
    row = Pack.objects.filter(sha256=bytes.fromhex(old)).first()
    if row is None:
        return
    Pack.objects.filter(pk=row.pk).update(damaged_at=datetime.now(UTC))
    with closing(PackReader(default_storage().open(new))) as reader:
        number = index.publish(reader)
    Pack.objects.filter(pk=row.pk).update(damaged_at=None, replaced_by=number)
    # What had been merged into it.
    Pack.objects.filter(replaced_by=row.pk).update(replaced_by=number, shift=0)
