"""What a collection takes: bounds on requests and packages. An empty one is the service's default."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from packages.bag_profiles import ProfileError, check_document

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Of the columns below, those that bound a package; the names are those of `packages.Limits` with ``max_`` before.
OF_PACKAGES = ("members", "total", "member", "ratio", "path", "depth", "seconds", "memory")
OF_REQUESTS = ("upload_size", "metadata_size")


class TopFolder(models.TextChoices):
    """What a collection prefers at the top of a package."""

    ONE = "one", _("one folder that holds all")
    NONE = "none", _("the files themselves")


def is_bag_profile(value: object) -> None:
    """Raise `ValidationError` for what is no BagIt profile."""
    try:
        check_document(value)
    except ProfileError as error:
        raise ValidationError(str(error)) from error


def _bound(help_text: "StrOrPromise") -> "models.PositiveBigIntegerField[int | None, int | None]":
    return models.PositiveBigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text=help_text
    )


class CollectionLimits(models.Model):
    """The bounds as columns of a collection."""

    max_upload_size = _bound(_("Of one upload, in bytes."))
    max_metadata_size = _bound(_("Of one metadata document, in bytes."))
    max_members = _bound(_("Files, directories and links in a package."))
    max_total = _bound(_("Of all files in a package together, in bytes."))
    max_member = _bound(_("Of one file in a package, in bytes."))
    max_ratio = _bound(_("How many times its own size a package may expand to."))
    max_path = _bound(_("Of a path in a package, in bytes."))
    max_depth = _bound(_("Names in a path."))
    max_seconds = _bound(_("Processor time that checking may take, besides a second per MiB, in seconds."))
    max_memory = _bound(_("Of a decompressor, in bytes; 64 MiB is enough for xz -9."))
    links_outside = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Accept symbolic links that are absolute or lead out of the package, as they are."),
    )

    special_files = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Archive FIFOs and devices in packages as empty files, instead of refusing them."),
    )
    bag_profile = models.JSONField(
        null=True,
        blank=True,
        validators=[is_bag_profile],
        help_text=_("The BagIt profile (a JSON document) that bags have to be of."),
    )

    source_only = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Warn of programs and build products in packages: the collection is for source code."),
    )
    top_folder = models.CharField(
        max_length=4,
        choices=TopFolder.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("Whether all that a package holds should be in one folder; a warning says so otherwise."),
    )
    confirm_warnings = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("A package with warnings is archived only when its depositor has confirmed them."),
    )

    class Meta:
        abstract = True


# At least one of everything, and not more than the service itself can bear.
LARGEST = {"upload_size": 2**50, "memory": 2**32, "seconds": 2**20, "depth": 1024, "path": 2**16}


def positive(name: str) -> models.CheckConstraint:
    """The database's word on one bound."""
    column = f"max_{name}"
    most = Q(**{f"{column}__lte": LARGEST.get(name, 2**62)})
    return models.CheckConstraint(
        condition=Q(**{f"{column}__isnull": True}) | (Q(**{f"{column}__gte": 1}) & most),
        name=f"collection_{column}_is_sensible",
    )
