"""The report of a request: who asked for what and why, who decided, what went, what stayed, where copies lie.

Identifiers, names of those who acted, reasons and counts; nothing of the content, so that it can be filed for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deposit.models import DeletionKind, DeletionRequest, Event, Identifier

_KINDS = {
    "files": gettext_lazy("files"),
    "directories": gettext_lazy("folders"),
    "releases": gettext_lazy("releases"),
    "snapshots": gettext_lazy("snapshots"),
    "documents": gettext_lazy("metadata documents"),
}
_COPIES = {
    "destination": gettext_lazy("destination"),
    "receipt": gettext_lazy("receipt"),
    "backup": gettext_lazy("backup"),
    "notice": gettext_lazy("notices"),
}
_TITLES = {
    DeletionKind.WITHDRAW: gettext_lazy("Withdrawal of deposit %(number)s"),
    DeletionKind.RESTORE: gettext_lazy("Restoring of deposit %(number)s"),
    DeletionKind.ERASE: gettext_lazy("Erasure of deposit %(number)s"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading, and facts as pairs of a name and a value; or sentences, whose names are empty."""

    heading: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is printed, in the language that is active."""

    title: str
    subtitle: str
    sections: Sequence[Section]


def report_of(asked: DeletionRequest, plan: Mapping[str, Any] | None, copies: Sequence[Any]) -> Report:
    """The report of a request. ``plan``: as far as the reader may see it; ``copies``: `copies.copies_of`."""
    sections = [_request(asked), _decision(asked)]
    if plan is not None:
        sections += [_going(asked, plan), _staying(plan)]
    sections += [_copies(copies), _identifiers(asked), _history(asked)]
    return Report(
        title=str(_TITLES[DeletionKind(asked.kind)]) % {"number": asked.deposit_id},
        subtitle=_("%(service)s, request %(request)s, printed %(moment)s UTC")
        % {
            "service": settings.SERVICE_TITLE,
            "request": asked.pk,
            "moment": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        },
        sections=[section for section in sections if section.facts],
    )


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""


def _request(asked: DeletionRequest) -> Section:
    deposit = asked.deposit
    facts = [
        (_("Deposit"), str(deposit.pk)),
        (_("Collection"), deposit.collection.name),
        (_("Client"), deposit.client.user.get_username()),
        (_("Asked by"), asked.requester.get_username()),
        (_("Asked on"), _moment(asked.requested_at)),
        (_("Reason"), asked.reason),
    ]
    facts += [(_("Only"), name) for name in asked.objects_named]
    return Section(heading=_("Request"), facts=facts)


def _decision(asked: DeletionRequest) -> Section:
    facts = [(_("State"), str(asked.get_state_display()))]
    if asked.reviewer is not None:
        facts += [(_("Reviewed by"), asked.reviewer.get_username())]
    facts += [(_("Decided on"), _moment(asked.ended_at)), (_("Note"), asked.note)]
    facts += [(_("Bytes gone on"), _moment(asked.erased_at))]
    return Section(heading=_("Decision"), facts=[(name, value) for name, value in facts if value])


def _going(asked: DeletionRequest, plan: Mapping[str, Any]) -> Section:
    packs, staged = plan["packs"], plan["staged"]
    facts = [
        (_("Planned on"), _moment(datetime.fromisoformat(plan["made_at"]))),
        (_("From the archive"), counted(plan["goes"])),
        (
            _("Packs written anew"),
            _("%(number)s, of %(size)s bytes") % {"number": packs["number"], "size": packs["bytes"]},
        ),
        (
            _("As it was sent"),
            _("packages: %(packages)s, documents: %(documents)s (%(size)s bytes)")
            % {"packages": staged["packages"], "documents": staged["documents"], "size": staged["bytes"]},
        ),
    ]
    told = asked.progress
    if asked.erased_at and told:
        done = _("%(objects)s objects taken out of %(packs)s packs; %(read)s bytes read, %(written)s written")
        facts.append((_("Done"), done % {name: told.get(name, 0) for name in _DONE}))
    facts += [(_("For example"), swhid) for swhid in plan["examples"]]
    return Section(heading=_("What goes"), facts=facts)


_DONE = ("objects", "packs", "read", "written")


def counted(counts: Mapping[str, int]) -> str:
    """``files: 3, folders: 1 (120 bytes)``."""
    parts = [f"{label}: {counts[name]}" for name, label in _KINDS.items() if counts.get(name)]
    size = counts.get("bytes", 0)
    words = ngettext("%(size)s byte", "%(size)s bytes", size) % {"size": size}
    return f"{', '.join(parts)} ({words})" if parts else _("nothing")


def _staying(plan: Mapping[str, Any]) -> Section:
    facts = [(_("Others hold it, too"), counted(plan["stays"]))]
    shared = [str(number) for number in plan["shared_with"]]
    if others := plan.get("shared_with_others", 0):
        shared.append(_("%(number)s of others") % {"number": others})
    if shared:
        facts.append((_("In deposits"), ", ".join(shared)))
    return Section(heading=_("What stays"), facts=facts)


def _copies(copies: Sequence[Mapping[str, Any]]) -> Section:
    return Section(heading=_("Copies elsewhere, which this service cannot erase"), facts=copy_facts(copies))


def copy_facts(copies: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each kind of copy with its place, since when, and what it is known by there."""
    return [
        (
            str(_COPIES.get(one["kind"], one["kind"])),
            ", ".join(filter(None, [one["place"], one.get("since", ""), *one.get("identifiers", [])])),
        )
        for one in copies
    ]


def _identifiers(asked: DeletionRequest) -> Section:
    rows = Identifier.objects.filter(deposit=asked.deposit_id).order_by("id")
    return Section(heading=_("Identifiers"), facts=[(one.scheme, one.value) for one in rows])


def _history(asked: DeletionRequest) -> Section:
    lines = Event.objects.filter(deposit=asked.deposit_id, detail__request=asked.pk).order_by("id")
    return Section(
        heading=_("History"),
        facts=[(_moment(line.at), f"{line.name}, {line.actor}") for line in lines],
    )
