"""``manage.py archive``: maintenance of the archive for operators."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, Max, Sum

from archive import erasure, fixity, maintenance
from archive.errors import ArchiveError
from archive.locks import Lock, alone
from archive.models import FixityCheck, Object, Origin, Outcome, Pack, Visit
from archive.replication import replicate
from archive.rewriting import merging, retiring
from archive.storage import StoredPack, default_storage, primary_storage, replica_storage


class Command(BaseCommand):
    """Rebuild, verify, audit, list, copy and erase in packs. The exit code is 1 when something is wrong."""

    help = "Rebuild, verify, audit, list and copy the packs of the archive, and erase objects in them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        add = commands.add_parser
        one = add("rebuild", help="recreate the index from the packs; needs an empty index, or --resume")
        one.add_argument("--resume", action="store_true", help="go on with a rebuild that was stopped")
        add("verify", help="compare the index with the packs, both ways")
        one = add("audit", help="read packs again, hash them again, record what was found")
        which = one.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every pack")
        which.add_argument("--since", type=_moment, help="packs not checked since YYYY-MM-DD")
        which.add_argument("--sample", type=int, help="so many packs, chosen at random")
        one.add_argument("--thorough", action="store_true", help="hash every object too")
        one.add_argument("--rate", type=int, default=0, help="bytes a second at most; 0: no limit")
        one = add("packs", help="list the packs, and those that no load has published; merge small ones")
        one.add_argument("what", nargs="?", choices=["list", "merge"], default="list")
        one.add_argument("--dry-run", action="store_true", help="merge: say what would be merged")
        one.add_argument("--due", action="store_true", help="merge: only what the scheduler would merge now")
        one.add_argument(
            "--remove-now",
            action="store_true",
            help="merge: remove the files of merged packs without waiting",
        )
        one.add_argument("--remove-orphans", action="store_true", help="delete what dead loads left behind")
        one.add_argument("--adopt-orphans", action="store_true", help="publish it instead")
        one.add_argument("--hours", type=float, default=24.0, help="how old an orphan must be (24)")
        add("replicate", help="copy to the replica what it lacks")
        add("erase", help="write packs anew without what was erased, and remove the old ones")
        for command in commands.choices.values():
            command.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        self.as_json: bool = options["json"]
        actions = {
            "rebuild": self.rebuild,
            "verify": self.verify,
            "audit": self.audit,
            "packs": self.packs,
            "replicate": self.replicate,
            "erase": self.erase,
        }
        try:
            actions[action](options)
        except ArchiveError as error:
            raise CommandError(f"{error} [{error.code}]") from error

    def say(self, text: str, **fields: Any) -> None:
        """One line, for people or as JSON."""
        self.stdout.write(json.dumps(fields) if self.as_json else text)

    def rebuild(self, options: dict[str, Any]) -> None:
        """Recreate the index."""
        if Pack.objects.exists() and not options["resume"]:
            raise CommandError(
                "The index is not empty. Use --resume to go on with a rebuild that was stopped."
            )
        salvaged = 0
        for pack in maintenance.rebuild(default_storage()):
            places = [{"offset": gap.offset, "length": gap.length, "reason": gap.reason} for gap in pack.gaps]
            note = f", SALVAGED: {len(pack.gaps)} damaged places" if pack.gaps else ""
            self.say(
                f"{pack.name} {pack.objects} objects{note}", pack=pack.name, objects=pack.objects, gaps=places
            )
            salvaged += bool(pack.gaps)
        packs = Pack.objects.in_storage().count()
        counts = f"{packs} packs, {Object.objects.count()} objects, {Visit.objects.count()} visits"
        self.say(
            f"{counts} of {Origin.objects.count()} origins",
            packs=packs,
            salvaged=salvaged,
        )
        if salvaged:
            raise CommandError(f"{salvaged} packs are damaged; what was whole in them is indexed.")

    def verify(self, options: dict[str, Any]) -> None:
        """Compare index and packs."""
        agree = differ = 0
        for difference in maintenance.verify(default_storage()):
            if difference is None:
                agree += 1
                continue
            differ += 1
            examples = [str(swhid) for swhid in difference.examples]
            self.say(
                f"{difference.pack}: {difference.count} {difference.reason} {' '.join(examples)}".rstrip(),
                pack=difference.pack,
                reason=difference.reason,
                count=difference.count,
                examples=examples,
            )
        self.say(f"{agree} packs agree, {differ} differences", agree=agree, differences=differ)
        if differ:
            raise CommandError(f"{differ} differences between the index and the packs.")

    def audit(self, options: dict[str, Any]) -> None:
        """Check fixity."""
        packs = fixity.due(since=options["since"], sample=options["sample"])
        total = packs.count()
        rate = fixity.Rate(options["rate"])
        checks = fixity.audit(
            packs, primary_storage(), replica_storage(), thorough=options["thorough"], rate=rate
        )
        bad = self._report(checks, total)
        if bad:
            raise CommandError(f"{bad} of {total} packs are not sound.")

    def _report(self, checks: Iterator[FixityCheck], total: int) -> int:
        bad = 0
        for number, check in enumerate(checks, 1):
            name, outcome = check.pack.name, Outcome(check.outcome)
            bad += outcome not in (Outcome.SOUND, Outcome.REPAIRED)
            self.say(
                f"[{number}/{total}] {name} {outcome.value} {check.read} bytes {check.detail}".rstrip(),
                pack=name,
                outcome=outcome.value,
                read=check.read,
                detail=check.detail,
                lost=check.lost,
            )
            for swhid in check.lost if not self.as_json else ():
                self.stdout.write(f"    {swhid}")
        return bad

    def packs(self, options: dict[str, Any]) -> None:
        """List packs and orphans, or merge small packs."""
        if options["what"] == "merge":
            self.merge(options)
            return
        age = timedelta(hours=options["hours"])
        latest = Max("fixity_checks__ended_at")
        for pack in Pack.objects.in_storage().annotate(checked_at=latest).order_by("id").iterator():
            state = "damaged" if pack.damaged_at else "published"
            checked = pack.checked_at.isoformat(timespec="seconds") if pack.checked_at else "never"
            self.say(
                f"{pack.name} {pack.size} {state}, checked {checked}",
                pack=pack.name,
                size=pack.size,
                state=state,
                checked_at=checked,
            )
        for orphan in self._orphans(options, age):
            self.say(
                f"{orphan.name} {orphan.size} orphan", pack=orphan.name, size=orphan.size, state="orphan"
            )
        sums = Pack.objects.in_storage().aggregate(count=Count("id"), size=Sum("size"))
        self.say(f"{sums['count']} packs, {sums['size'] or 0} bytes", **sums)

    def merge(self, options: dict[str, Any]) -> None:
        """Merge small packs."""
        everything = not options["due"]
        if options["dry_run"]:
            for numbers in merging.plan(everything=everything):
                size = Pack.objects.filter(id__in=numbers).aggregate(size=Sum("size"))["size"]
                self.say(f"{len(numbers)} packs, {size} bytes", packs=len(numbers), size=size)
            return
        with alone(Lock.REWRITE) as first:
            if not first:
                raise CommandError("Packs are merged or erased in by another process. Try again later.")
            for merged in merging.merge(primary_storage(), everything=everything):
                self._say_merged(merged)
        if options["remove_now"]:
            waiting = Pack.objects.filter(remove_at__isnull=False, replaced_by__isnull=False)
            waiting.update(remove_at=datetime.now(UTC))
        removed = self._removed()
        packs = Pack.objects.in_storage().count()
        self.say(f"{packs} packs, {removed} files removed", packs=packs, removed=removed)

    def _say_merged(self, merged: merging.Merged) -> None:
        for name, reason in merged.left_out:
            self.say(f"{name} left out: {reason}", pack=name, left_out=reason)
        if merged.name:
            self.say(
                f"{merged.name} {merged.size} bytes, of {merged.packs} packs",
                pack=merged.name,
                size=merged.size,
                packs=merged.packs,
                objects=merged.objects,
            )

    def _removed(self) -> int:
        removed = 0
        for pack, problem in retiring.retire(primary_storage(), replica_storage()):
            removed += not problem
            if problem:
                self.say(f"{pack.name} is not removed: {problem}", pack=pack.name, problem=problem)
        return removed

    def _orphans(self, options: dict[str, Any], age: timedelta) -> list[StoredPack]:
        storage = default_storage()
        if options["remove_orphans"]:
            return maintenance.remove_orphans(storage, age=age)
        found = maintenance.orphans(storage, age=age)
        if options["adopt_orphans"]:
            for orphan in found:
                maintenance.publish_pack(storage, orphan.name)
        return found

    def replicate(self, options: dict[str, Any]) -> None:
        """Copy packs to the replica."""
        replica = replica_storage()
        if replica is None:
            raise CommandError("There is no replica: set ARCHIVE_REPLICA.")
        for pack in replicate(primary_storage(), replica):
            self.say(f"{pack.name} {pack.size}", pack=pack.name, size=pack.size)

    def erase(self, options: dict[str, Any]) -> None:
        """Take what was erased out of the packs."""
        for done in erasure.erase(primary_storage()):
            self.say(
                f"{done.pack} {done.outcome}, {done.erased} objects taken out, {done.read} bytes read, "
                f"{done.written} written {done.detail}".rstrip(),
                **asdict(done),
            )
        left = erasure.packs_to_erase()
        self.say(f"{left} packs left", left=left)
        if left:
            raise CommandError(f"{left} packs still hold, or may hold, what was erased. Run it again.")


def _moment(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
