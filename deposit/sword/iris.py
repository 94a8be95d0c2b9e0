"""The IRIs of SWORD 2: absolute, built on the address the client used."""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

# Numbers that stand in no other place of an address.
_FIRST_NUMBER = 9_007_199_254_740_991


@lru_cache(maxsize=4096)
def _pieces(prefix: str, view: str, names: tuple[str | None, ...]) -> list[str]:
    """The address of a view, cut where numbers stand: Django finds it once, not for each number.

    ``names``: the parts of the address in order, None for a number; ``prefix``: where the site is mounted.
    """
    numbers = [_FIRST_NUMBER + place for place in range(len(names))]
    address = reverse(view, args=[name or number for name, number in zip(names, numbers, strict=True)])
    return re.split("|".join(map(str, numbers)), address)


def _address(view: str, *parts: str | int) -> str:
    """The address of a view, from the root of its host; its parts are names and numbers."""
    names = tuple(part if isinstance(part, str) else None for part in parts)
    first, *rest = _pieces(get_script_prefix(), view, names)
    numbers = (part for part in parts if not isinstance(part, str))
    return first + "".join(f"{number}{piece}" for number, piece in zip(numbers, rest, strict=True))


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
        return self.base + _address("sword:file", name, deposit_id, part_id)

    def statement(self, name: str, deposit_id: int, suffix: str) -> str:
        """A statement: ``atom`` or ``rdf``."""
        return self.base + _address("sword:statement", name, deposit_id, suffix)

    def page(self, deposit_id: int) -> str:
        """The page of a deposit, for people."""
        return self.base + _address("dashboard:deposit", deposit_id)

    def _of(self, view: str, name: str, deposit_id: int) -> str:
        return self.base + _address(f"sword:{view}", name, deposit_id)


def iris_of(request: HttpRequest) -> Iris:
    """The IRIs as seen by this request's client."""
    return Iris(f"{request.scheme}://{request.get_host()}")
