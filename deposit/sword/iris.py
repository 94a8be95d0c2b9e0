"""The IRIs of SWORD 2: absolute, built on the address the client used."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Iris:
    """Builds IRIs below one base, ``https://host`` without a trailing slash."""

    base: str

    def service_document(self) -> str:
        """SD-IRI."""
        return self.base + reverse("sword:service-document")

    def collection(self, name: str) -> str:
        """Col-IRI."""
        return self.base + reverse("sword:collection", args=[name])

    def edit(self, name: str, deposit_id: int) -> str:
        """Edit-IRI."""
        return self._of("edit", name, deposit_id)

    def edit_media(self, name: str, deposit_id: int) -> str:
        """EM-IRI."""
        return self._of("edit-media", name, deposit_id)

    def media_feed(self, name: str, deposit_id: int) -> str:
        """The feed of the packages (SWORD 2 section 6.4.1)."""
        return self._of("media-feed", name, deposit_id)

    def sword_edit(self, name: str, deposit_id: int) -> str:
        """SE-IRI."""
        return self._of("sword-edit", name, deposit_id)

    def state(self, name: str, deposit_id: int) -> str:
        """State-IRI."""
        return self._of("state", name, deposit_id)

    def content(self, name: str, deposit_id: int) -> str:
        """Cont-IRI."""
        return self._of("content", name, deposit_id)

    def file(self, name: str, deposit_id: int, part_id: int) -> str:
        """The IRI of one package of a deposit (SWORD 2 section 6.10)."""
        return self.base + reverse("sword:file", args=[name, deposit_id, part_id])

    def statement(self, name: str, deposit_id: int, suffix: str) -> str:
        """A statement: ``atom`` or ``rdf``."""
        return self.base + reverse("sword:statement", args=[name, deposit_id, suffix])

    def page(self, deposit_id: int) -> str:
        """The page of a deposit, for people."""
        return self.base + reverse("dashboard:deposit", args=[deposit_id])

    def _of(self, view: str, name: str, deposit_id: int) -> str:
        return self.base + reverse(f"sword:{view}", args=[name, deposit_id])


def iris_of(request: HttpRequest) -> Iris:
    """The IRIs as seen by this request's client."""
    return Iris(f"{request.scheme}://{request.get_host()}")
