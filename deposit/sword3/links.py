"""The URLs of SWORD 3: absolute, built on the address the client used."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from deposit.models import Deposit


@dataclass(frozen=True, slots=True)
class Links:
    """Builds URLs below one base, ``https://host`` without a trailing slash."""

    base: str

    def root(self) -> str:
        """Service-URL of the whole server."""
        return self.base + reverse("sword3:root")

    def service(self, collection: str) -> str:
        """Service-URL of a collection."""
        return self.base + reverse("sword3:service", args=[collection])

    def object(self, deposit_id: int) -> str:
        """Object-URL."""
        return self._of("object", deposit_id)

    def metadata(self, deposit_id: int) -> str:
        """Metadata-URL."""
        return self._of("metadata", deposit_id)

    def entry(self, deposit_id: int) -> str:
        """Where the metadata can be had as an Atom entry."""
        return self._of("entry", deposit_id)

    def file_set(self, deposit_id: int) -> str:
        """FileSet-URL."""
        return self._of("file-set", deposit_id)

    def file(self, deposit_id: int, part_id: int) -> str:
        """File-URL."""
        return self.base + reverse("sword3:file", args=[deposit_id, part_id])

    def staging(self) -> str:
        """Staging-URL."""
        return self.base + reverse("sword3:staging")

    def temporary(self, upload_id: UUID) -> str:
        """Temporary-URL."""
        return self.base + reverse("sword3:temporary", args=[upload_id])

    def page(self, deposit: Deposit) -> str | None:
        """The deposit's page for people, where the service has pages."""
        try:
            return self.base + reverse("dashboard:deposit", args=[deposit.pk])
        except NoReverseMatch:
            return None

    def _of(self, view: str, deposit_id: int) -> str:
        return self.base + reverse(f"sword3:{view}", args=[deposit_id])


def links_of(request: HttpRequest) -> Links:
    """The URLs as seen by this request's client."""
    return Links(f"{request.scheme}://{request.get_host()}")
