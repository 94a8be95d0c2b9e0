"""The record: who deposits, what was deposited, what became of it.

The database refuses what the code forbids; every constraint below has a test. The status of a deposit is changed
by ``deposit.lifecycle`` alone.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from deposit.models.limits import OF_PACKAGES, OF_REQUESTS, CollectionLimits, TopFolder, positive
from deposit.models.search import words


class Status(models.TextChoices):
    """Where a deposit stands; the values are swh-deposit's wire names."""

    PARTIAL = "partial", _("partial")
    EXPIRED = "expired", _("expired")
    DEPOSITED = "deposited", _("deposited")
    VERIFIED = "verified", _("verified")
    REJECTED = "rejected", _("rejected")
    LOADING = "loading", _("loading")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


STATUS_TEXTS: dict[str, str] = {
    Status.PARTIAL: "The deposit is not complete yet: more requests are expected.",
    Status.EXPIRED: "The deposit was never completed and has expired.",
    Status.DEPOSITED: "The deposit is complete and waits to be checked.",
    Status.VERIFIED: "The deposit passed its checks and waits to be loaded.",
    Status.REJECTED: "The deposit failed its checks.",
    Status.LOADING: "The deposit is being loaded into the archive.",
    Status.DONE: "The deposit is in the archive.",
    Status.FAILED: "The deposit could not be taken into the archive; the operators have to look at it.",
}


# Longer titles are cut in lists; the metadata document has them whole.
TITLE_LENGTH = 500


class DepositType(models.TextChoices):
    """What a deposit brings: a package, or metadata on something that is archived already."""

    CODE = "code", _("package")
    META = "meta", _("metadata only")


class Duplicates(models.TextChoices):
    """What a collection does with a package that the same client has deposited in it before."""

    MARK = "mark", _("accept and mark it")
    REFUSE = "refuse", _("refuse it")


class Profile(models.TextChoices):
    """What a collection may demand of a package beyond being whole; `checker.profiles` judges by them."""

    TRANSFER_PACKAGE = "transfer-package", _("transfer package")
    ARCHIVEMATICA = "archivematica", _("Archivematica's conventions for transfers")
    MUSEUM = "museum", _("museum objects for a preservation service")


def default_destinations() -> list[str]:
    """Where deposits go if nobody says otherwise."""
    return ["archive"]


class Collection(CollectionLimits):
    """Where clients deposit; its name is a segment of every deposit's IRI."""

    # The number of a client that the request at hand found to be a member; in memory alone.
    seen_member: int | None = None

    name = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=300, blank=True)
    duplicates = models.CharField(
        max_length=6,
        choices=Duplicates.choices,
        default=Duplicates.MARK,
        db_default=Duplicates.MARK,
        help_text=_("What becomes of a package that the same client has deposited here before."),
    )
    closed = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_("Operators see that its deposits exist and what became of them, but not their content."),
    )
    public = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Everybody may read what is archived of its deposits that are done, without logging in."),
    )
    profile = models.CharField(
        max_length=60,
        choices=Profile.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("What is demanded of its packages, beyond being whole."),
    )
    profile_options = models.JSONField(
        default=dict, db_default={}, blank=True, help_text=_("The options of the profile.")
    )
    destinations = ArrayField(
        models.CharField(max_length=50),
        default=default_destinations,
        db_default=["archive"],
        help_text=_("Where its deposits are taken, in this order."),
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(duplicates__in=Duplicates.values), name="collection_duplicates_is_known"
            ),
            models.CheckConstraint(
                condition=Q(top_folder__in=["", *TopFolder.values]), name="collection_top_folder_is_known"
            ),
            models.CheckConstraint(condition=Q(destinations__len__gt=0), name="collection_has_destinations"),
            *(positive(name) for name in (*OF_REQUESTS, *OF_PACKAGES)),
            # The name is a path segment beside `servicedocument`.
            models.CheckConstraint(
                condition=Q(name__regex=r"^[A-Za-z0-9][A-Za-z0-9._-]*$") & ~Q(name="servicedocument"),
                name="collection_name_is_a_path_segment",
                violation_error_message=_(
                    "A collection name starts with a letter or digit and holds only letters, digits, '.', '_' and '-'."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Client(models.Model):
    """A depositor: a user with the web address below which its origins lie."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="client")
    provider_url = models.CharField(
        max_length=2000, help_text=_("Every origin this client creates lies below this web address.")
    )
    domain = models.CharField(max_length=300, blank=True)
    collections = models.ManyToManyField(Collection, through="Membership", related_name="clients")
    quota_bytes = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text=_("How much the client's packages may take in all; empty: any amount."),
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["user__username"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider_url__regex=r"^https?://[^/\s<>]+"),
                name="client_provider_url_is_http",
                violation_error_message=_("A provider URL starts with http:// or https:// and names a host."),
            ),
        ]

    def __str__(self) -> str:
        return self.user.get_username()


class Membership(models.Model):
    """That a client may deposit into a collection."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT)
    mediates = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("May deposit here on behalf of the collection's other clients (On-Behalf-Of)."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "collection"], name="membership_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.client} in {self.collection}"


class Deposit(models.Model):
    """One deposit from its first request to its identifiers."""

    # The packages that the request at hand made it with, oldest first; in memory alone.
    new_packages: "list[Part] | None" = None

    # Indexed with the number of the deposit: see below.
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="deposits", db_index=False)
    collection = models.ForeignKey(
        Collection, on_delete=models.PROTECT, related_name="deposits", db_index=False
    )
    type = models.CharField(max_length=4, choices=DepositType.choices, default=DepositType.CODE)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PARTIAL, editable=False)
    reception_date = models.DateTimeField(db_default=Now(), editable=False)
    complete_date = models.DateTimeField(null=True, editable=False)
    external_id = models.TextField(null=True, blank=True)  # noqa: DJ001  absent and empty differ on the wire
    origin_url = models.TextField(null=True, blank=True)  # noqa: DJ001
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    software_version = models.TextField(null=True, blank=True)  # noqa: DJ001
    release_notes = models.TextField(null=True, blank=True)  # noqa: DJ001
    # From the newest metadata and the newest package: what people know the deposit by.
    title = models.CharField(max_length=TITLE_LENGTH, blank=True, default="", db_default="", editable=False)
    package_name = models.CharField(max_length=1024, blank=True, default="", db_default="", editable=False)

    swhid = models.TextField(null=True, editable=False)  # noqa: DJ001
    swhid_context = models.TextField(null=True, editable=False)  # noqa: DJ001
    release_swhid = models.TextField(null=True, editable=False)  # noqa: DJ001
    snapshot_swhid = models.TextField(null=True, editable=False)  # noqa: DJ001

    # Of the source that made it, in the place of its collection's.
    profile = models.CharField(max_length=60, blank=True, default="", db_default="", editable=False)
    profile_options = models.JSONField(default=dict, db_default={}, editable=False)
    # The one folder in which everything of a package lies is left away (packages.top_folder).
    strip_top_folder = models.BooleanField(default=False, db_default=False, editable=False)
    # What names in the packages that do not state an encoding are in, if the depositor said so (packages.names).
    name_encoding = models.CharField(max_length=20, blank=True, default="", db_default="", editable=False)
    # The depositor wants to be asked about warnings, also where the collection does not demand it.
    confirm_warnings = models.BooleanField(default=False, db_default=False, editable=False)
    # The packages whose warnings the depositor was told (`deposit.services.confirmation`); "" while nobody was.
    held_packages = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    # The directory that the packages make, as the checks saw it: what is archived has to be the same.
    directory_swhid = models.TextField(null=True, editable=False)  # noqa: DJ001

    # Counts every change that a client can see; the ETag of the deposit's documents.
    revision = models.PositiveIntegerField(default=1, editable=False)
    status_changed_at = models.DateTimeField(db_default=Now(), editable=False)
    verified_date = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        permissions = [
            ("operate", _("Operate: see the queues, reschedule, recheck and expire deposits")),
            ("administer", _("Administer: accounts, collections, roles, tokens, audit")),
        ]
        indexes = [
            models.Index(fields=["client", "id"], name="deposit_by_client"),
            models.Index(fields=["collection", "id"], name="deposit_by_collection"),
            models.Index(fields=["origin_url", "id"], name="deposit_by_origin"),
            models.Index(
                fields=["client", "external_id"],
                name="deposit_by_external_id",
                condition=Q(external_id__isnull=False),
            ),
            models.Index(fields=["swhid"], name="deposit_by_swhid", condition=Q(swhid__isnull=False)),
            # How many wait, whose, and since when: answered without a look at the rows.
            models.Index(
                fields=["status", "client", "id"],
                include=["status_changed_at"],
                name="deposit_waiting_of_clients",
                condition=Q(status__in=["deposited", "verified", "loading"]),
            ),
            models.Index(
                fields=["reception_date"], name="deposit_partial_by_age", condition=Q(status="partial")
            ),
            # With "deposit_waiting_of_clients": every status but the one that nearly all deposits end in.
            models.Index(
                fields=["status", "id"],
                include=["status_changed_at", "client"],
                name="deposit_amiss_of_clients",
                condition=Q(status__in=["partial", "expired", "rejected", "failed"]),
            ),
            # With all that is counted by day.
            models.Index(
                fields=["reception_date"],
                include=["id", "status", "client", "collection"],
                name="deposit_by_day",
            ),
            # What feeds tell, newest change first.
            models.Index(
                fields=["collection", "-status_changed_at", "-id"],
                name="deposit_told_of_collection",
                condition=Q(status__in=["done", "withdrawn"]),
            ),
            models.Index(
                fields=["client", "-status_changed_at", "-id"],
                name="deposit_told_of_client",
                condition=Q(status__in=["done", "withdrawn"]),
            ),
            GinIndex(words(), name="deposit_by_words"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="deposit_status_is_of_the_lifecycle"
            ),
            models.CheckConstraint(condition=Q(type__in=DepositType.values), name="deposit_type_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=["partial", "expired"], complete_date__isnull=True)
                | (~Q(status__in=["partial", "expired"]) & Q(complete_date__isnull=False)),
                name="deposit_complete_date_follows_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="done", type="code")
                | Q(swhid__isnull=False, swhid_context__isnull=False, origin_url__isnull=False),
                name="deposit_done_has_identifiers",
            ),
            models.CheckConstraint(
                condition=Q(swhid__isnull=True)
                | Q(swhid__regex=r"^swh:1:(cnt|dir|rev|rel|snp):[0-9a-f]{40}$"),
                name="deposit_swhid_is_a_core_swhid",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="deposit_is_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.pk}"


class PartKind(models.TextChoices):
    """What was sent in one request."""

    PACKAGE = "package", _("package")
    METADATA = "metadata", _("metadata")
    # A package that is yet to be fetched from elsewhere; see `deposit.models.uploads.Fetch`.
    PENDING = "pending", _("package to come")


class Part(models.Model):
    """One thing sent in one request, as it was sent.

    A package is a file below ``STAGING_ROOT`` (``stored_as``); a metadata document is kept in the row.
    """

    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, related_name="parts")
    kind = models.CharField(max_length=8, choices=PartKind.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    content_type = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    # The user name of the mediator who sent it on the client's behalf; empty when the client did so itself.
    # The earlier deposit of the same client and collection that brought the same bytes. It was complete, so it
    # stays; without constraint and index it costs nothing to those who never look.
    duplicate_of = models.ForeignKey(
        Deposit,
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    mediator = models.CharField(max_length=150, blank=True, db_default="", editable=False)
    # Packages only:
    name = models.CharField(max_length=1024, blank=True, help_text=_("The file name the client gave."))
    packaging = models.CharField(max_length=300, blank=True)
    stored_as = models.CharField(max_length=200, null=True, unique=True, editable=False)  # noqa: DJ001
    # The bytes came in segments, and nobody has compared the whole with ``sha256`` yet: the checks do.
    digest_pending = models.BooleanField(default=False, db_default=False, editable=False)
    # Metadata only:
    document = models.BinaryField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["sha256"], name="part_by_sha256")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind="package", stored_as__isnull=False, document__isnull=True, name__regex=r"^[^/]+$"
                )
                | Q(kind="pending", stored_as__isnull=True, document__isnull=True, name__regex=r"^[^/]+$")
                | Q(kind="metadata", stored_as__isnull=True, document__isnull=False),
                name="part_is_a_file_or_a_document",
            ),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="part_sha256_is_hex"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of deposit {self.deposit_id}"


class Finding(models.Model):
    """One result of the newest check or load of a deposit; see ``deposit.findings``."""

    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, related_name="findings")
    area = models.CharField(max_length=8)
    code = models.CharField(max_length=100)
    severity = models.CharField(max_length=7)
    subject = models.TextField(blank=True)
    message = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(area__in=["metadata", "archive", "url", "loading"]), name="finding_area_is_known"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["error", "warning"]), name="finding_severity_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} on deposit {self.deposit_id}"


class Event(models.Model):
    """One line of a deposit's history. Append-only: the database refuses update and delete.

    It outlives its deposit (a client may delete a partial one), hence no foreign key constraint.
    """

    deposit = models.ForeignKey(
        Deposit, on_delete=models.DO_NOTHING, related_name="events", db_constraint=False
    )
    name = models.CharField(max_length=30)
    from_status = models.CharField(max_length=9, blank=True)
    to_status = models.CharField(max_length=9, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now(), editable=False)
    detail = models.JSONField(default=dict)
    # Through which channel, from where, with which token, by which mediator; for administrators. See deposit.audit.
    via = models.JSONField(default=dict, db_default={}, editable=False)
    # Of a line that asks for a notice: the number of the transaction that wrote it. Lines become visible in another
    # order than that of their ids; by this number it is known when all before are (`deposit.notices.expansion`).
    xact = models.BigIntegerField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            # Rows come in the order of their moments: a few pages lead to a day of any year.
            BrinIndex(fields=["at"], name="event_by_moment", pages_per_range=32, autosummarize=True),
            # What asks for a notice, in the order in which it is told.
            models.Index(fields=["xact", "id"], name="event_to_tell", condition=Q(xact__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} of deposit {self.deposit_id}"
