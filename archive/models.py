"""The index: where each object is, what points at it, and where origins were seen.

Everything here can be rebuilt from the packs (``manage.py archive rebuild``). Columns of fixed width come first,
because PostgreSQL would pad them otherwise; at 10^8 rows every byte is 100 MB.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, HashIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from archive.identifiers import SWHID, ObjectType

# What the column ``kind`` holds; Software Heritage numbers kinds the same way in its binary SWHIDs.
KINDS: dict[ObjectType, int] = {
    ObjectType.CONTENT: 0,
    ObjectType.DIRECTORY: 1,
    ObjectType.ORIGIN: 2,
    ObjectType.RELEASE: 3,
    ObjectType.REVISION: 4,
    ObjectType.SNAPSHOT: 5,
    ObjectType.METADATA: 6,
}
TYPES = {number: kind for kind, number in KINDS.items()}
_STORED_KINDS = [KINDS[kind] for kind in ObjectType if kind not in (ObjectType.ORIGIN, ObjectType.REVISION)]


def _octets(column: str, length: int) -> Exact:
    return Exact(Func(F(column), function="octet_length", output_field=models.IntegerField()), length)


class PackQuerySet(models.QuerySet["Pack"]):
    """Packs, asked for."""

    def in_storage(self) -> "models.QuerySet[Pack]":
        """Those whose files hold the archive; the others were replaced."""
        return self.filter(replaced_by=None)


class Pack(models.Model):
    """A pack that is part of the archive.

    The row of a pack that was replaced (merged with others, or written anew without what was erased) stays: its
    objects, visits and fixity checks point at it. ``replaced_by`` is always a pack whose file is in the storage.
    """

    size = models.BigIntegerField()
    published_at = models.DateTimeField(db_default=Now(), editable=False)
    # Since when the pack is known to be damaged or missing: its objects count as unknown, so that the next load of
    # the same contents brings them back.
    damaged_at = models.DateTimeField(null=True)
    replaced_by = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="replaced", db_index=False
    )
    # What is added to the offset of each of its objects, to find them in the pack that replaced it.
    shift = models.BigIntegerField(default=0, db_default=0)
    # When the file of a replaced pack may be removed; null: it is removed, or the pack is in use.
    remove_at = models.DateTimeField(null=True)
    # Made of other packs, by merging or erasing.
    rewritten = models.BooleanField(default=False, db_default=False)
    # It holds what was erased, or may hold it: to be looked through, and written anew without.
    to_erase = models.BooleanField(default=False, db_default=False)
    # Small as it is, it cannot be merged: an early version wrote it in a way that does not go together with others.
    stays_alone = models.BooleanField(default=False, db_default=False)
    # Whether it has objects whose rows are in other packs (written by two loads at once, or lost and brought back), so
    # that the index does not tell all that is in it; null: nobody has looked.
    copies = models.BooleanField(null=True)
    # SHA-256 of the pack's bytes, which is also its name in the storage.
    sha256 = models.BinaryField(unique=True)

    objects = PackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_octets("sha256", 32), name="pack_sha256_has_32_bytes"),
            models.CheckConstraint(condition=Q(size__gt=0), name="pack_has_bytes"),
        ]
        indexes = [
            models.Index(fields=["id"], name="pack_damaged", condition=Q(damaged_at__isnull=False)),
            models.Index(fields=["id"], name="pack_in_storage", condition=Q(replaced_by__isnull=True)),
            models.Index(
                fields=["replaced_by"], name="pack_replaced_by", condition=Q(replaced_by__isnull=False)
            ),
            models.Index(fields=["remove_at"], name="pack_remove_at", condition=Q(remove_at__isnull=False)),
            models.Index(fields=["id"], name="pack_to_erase", condition=Q(to_erase=True)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The pack's name in the storage."""
        return bytes(self.sha256).hex()


class Outcome(models.TextChoices):
    """What a fixity check found."""

    SOUND = "sound", _("sound")
    REPAIRED = "repaired", _("repaired from the replica")
    DAMAGED = "damaged", _("damaged")
    MISSING = "missing", _("missing")
    # A fault of the storage, which says nothing about the pack.
    UNREADABLE = "unreadable", _("not readable now")


class FixityCheck(models.Model):
    """One reading of one pack, and what it showed. Rows are only ever added."""

    pack = models.ForeignKey(Pack, models.PROTECT, related_name="fixity_checks", db_index=False)
    read = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(db_default=Now(), editable=False)
    # Whether every object was hashed again, beside the pack as a whole.
    thorough = models.BooleanField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    detail = models.TextField(blank=True)
    # SWHIDs of objects that this pack can no longer give, at most a thousand of them.
    lost = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["pack", "-ended_at"], name="fixity_check_latest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="fixity_check_has_an_outcome"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pack_id} {self.outcome}"


class Object(models.Model):
    """An archived object and the place where its bytes are."""

    length = models.BigIntegerField()
    # The extent in the pack: one zstd frame, or several for an object larger than ``packs.LARGE``.
    offset = models.BigIntegerField()
    stored = models.BigIntegerField()
    # The pack's row and those of its objects come in one transaction, and a trigger keeps a pack that has objects: a
    # foreign key would look each of them up once more (docs/explanation/archive-internals.md).
    pack = models.ForeignKey(Pack, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    # Where the object begins in the decompressed extent.
    position = models.IntegerField()
    # The first so many of ``targets`` may point further; the others are contents.
    branching = models.IntegerField(default=0)
    kind = models.SmallIntegerField()
    sha1_git = models.BinaryField(primary_key=True)
    # Of contents only.
    sha256 = models.BinaryField(null=True)
    # Of all others: the identifiers of what they point at, each once.
    targets = ArrayField(models.BinaryField(), null=True)

    class Meta:
        indexes = [
            # Rows come pack by pack, so that a range of pages has few packs: next to nothing to keep up.
            BrinIndex(fields=["pack"], name="object_by_pack", autosummarize=True, pages_per_range=32),
            HashIndex(fields=["sha256"], name="object_by_sha256", condition=Q(sha256__isnull=False)),
            # Without the condition every content would have an entry too, under NULL.
            GinIndex(fields=["targets"], name="object_by_targets", condition=Q(targets__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=_octets("sha1_git", 20), name="object_sha1_git_has_20_bytes"),
            models.CheckConstraint(
                condition=Q(kind=0, sha256__isnull=False, targets__isnull=True) & _octets("sha256", 32)
                | Q(kind__in=_STORED_KINDS[1:], sha256__isnull=True, targets__isnull=False),
                name="object_is_content_or_points_at_others",
            ),
            models.CheckConstraint(
                condition=Q(length__gte=0, offset__gte=0, stored__gt=0, position__gte=512, branching__gte=0),
                name="object_has_a_place",
            ),
        ]

    def __str__(self) -> str:
        return f"swh:1:{TYPES[self.kind].value}:{bytes(self.sha1_git).hex()}"


class ErasedObject(models.Model):
    """An object that was erased for good: what it was called, never what it was.

    Not rebuilt from the packs. ``id`` grows in the order in which erasures are committed (`archive.erasure`).
    """

    erased_at = models.DateTimeField(db_default=Now(), editable=False)
    kind = models.SmallIntegerField()
    sha1_git = models.BinaryField(unique=True)
    # Of contents that the archive had.
    sha256 = models.BinaryField(null=True)
    # Who decided, in the words of the caller: the number of a decision, a file reference.
    reference = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_octets("sha1_git", 20), name="erased_sha1_git_has_20_bytes"),
            models.CheckConstraint(condition=Q(kind__in=_STORED_KINDS), name="erased_has_a_kind"),
        ]

    def __str__(self) -> str:
        return str(self.swhid)

    @property
    def swhid(self) -> SWHID:
        """The identifier."""
        return SWHID(TYPES[self.kind], bytes(self.sha1_git))


class Origin(models.Model):
    """A place that objects come from."""

    # SHA-1 of the URL: the identifier in swh:1:ori:… .
    sha1 = models.BinaryField(unique=True)
    url = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_octets("sha1", 20), name="origin_sha1_has_20_bytes"),
            models.CheckConstraint(condition=~Q(url=""), name="origin_has_a_url"),
        ]

    def __str__(self) -> str:
        return self.url


class Visit(models.Model):
    """What an origin looked like at a moment."""

    origin = models.ForeignKey(Origin, models.PROTECT, related_name="visits", db_index=False)
    # The pack that records the visit.
    pack = models.ForeignKey(Pack, models.PROTECT, related_name="+")
    date = models.DateTimeField()
    snapshot = models.BinaryField()
    type = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_octets("snapshot", 20), name="visit_snapshot_has_20_bytes"),
            models.UniqueConstraint(fields=["origin", "date", "snapshot"], name="visit_is_recorded_once"),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id} at {self.date.isoformat()}"
