"""How much a collection takes: its own bounds where it has any, else the service's."""

from dataclasses import dataclass, replace
from typing import Self

from django.conf import settings

from deposit.models import Collection, Deposit
from deposit.models.limits import OF_PACKAGES
from deposit.refusals import Kind, Refusal
from packages import Limits


def limits_of(collection: Collection) -> Limits:
    """The bounds on the packages of a collection, for whoever reads one."""
    own = {name: getattr(collection, f"max_{name}") for name in OF_PACKAGES}
    return Limits(
        links_outside=collection.links_outside,
        special_files=collection.special_files,
        source_only=collection.source_only,
        top_folder=collection.top_folder,
        **{name: value for name, value in own.items() if value is not None},
    )


def reading_of(deposit: Deposit) -> Limits:
    """How the packages of a deposit are read: within the bounds of its collection, as its depositor or source says."""
    return replace(
        limits_of(deposit.collection),
        name_encoding=deposit.name_encoding,
        strip_top_folder=deposit.strip_top_folder,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """The bounds on what one request may bring, in bytes."""

    upload: int
    metadata: int

    @classmethod
    def of(cls, collection: Collection | None) -> Self:
        """A collection's bounds, never above the service's; the service's own for None."""
        upload, metadata = settings.MAX_UPLOAD_SIZE, settings.MAX_METADATA_SIZE
        if collection is not None:
            upload = min(upload, collection.max_upload_size or upload)
            metadata = min(metadata, collection.max_metadata_size or metadata)
        return cls(upload=upload, metadata=metadata)


def metadata_too_large(limit: int) -> Refusal:
    """A metadata document over its limit, in bytes."""
    return Refusal(
        Kind.TOO_LARGE,
        "metadata.too_large",
        f"The metadata document is too large (max {limit} bytes).",
        "Put large data into the package, not into the metadata.",
    )
