"""The upload form, and the Atom entry with CodeMeta that its fields become."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext_lazy as _
from lxml import etree
from lxml.builder import ElementMaker

from client import licences
from client.orcid import split_orcid
from deposit.metadata.namespaces import ATOM, CODEMETA_2
from packages.names import known_encoding

_ONE_LICENCE = re.compile(r"[A-Za-z0-9.-]+")
# The name with the spaces after it: to look for its end in the pattern would take the square of the line's length.
_AUTHOR = re.compile(r"(?P<name>[^<>]+)(?:<(?P<email>[^<>@\s]+@[^<>@\s]+)>)?")
# What XML cannot hold, tabs and line ends aside.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_codemeta = ElementMaker(namespace=CODEMETA_2)
_atom = ElementMaker(namespace=ATOM, nsmap={None: ATOM, "codemeta": CODEMETA_2})


class Author(NamedTuple):
    """A person as the form has it; ``orcid`` is a URL."""

    name: str
    email: str = ""
    orcid: str = ""


class DescriptionForm(forms.Form):
    """What people say about a package; the names are CodeMeta's."""

    collection = forms.ChoiceField(label=_("Collection"))
    title = forms.CharField(label=_("Title"), max_length=500)
    authors = forms.CharField(label=_("Authors, one per line"), max_length=50_000)
    version = forms.CharField(label=_("Version"), max_length=100, required=False)
    licence = forms.CharField(label=_("Licence"), max_length=100, required=False)
    description = forms.CharField(label=_("Description"), max_length=20_000, required=False)
    keywords = forms.CharField(label=_("Keywords, separated by commas"), max_length=1000, required=False)
    repository = forms.URLField(label=_("Address of the repository"), required=False, assume_scheme="https")
    date = forms.DateField(label=_("Date of publication"), required=False)
    slug = forms.CharField(label=_("Your identifier for it"), max_length=200, required=False)
    name_encoding = forms.CharField(label=_("Encoding of old file names"), max_length=40, required=False)

    def __init__(
        self, *args: Any, collections: list[str], may_be_empty: Iterable[str] = (), **kwargs: Any
    ) -> None:
        """``may_be_empty``: fields that a metadata file, or the package itself, says."""
        super().__init__(*args, **kwargs)
        field = self.fields["collection"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in collections]
        for name in may_be_empty:
            self.fields[name].required = False

    def clean_name_encoding(self) -> str:
        """The encoding in its usual spelling."""
        named = self.cleaned_data["name_encoding"]
        try:
            return known_encoding(named) if named.strip() else ""
        except ValueError:
            raise forms.ValidationError(
                _("File names cannot be in “%(encoding)s”: write for example shift_jis, gbk or cp850."),
                params={"encoding": named[:40]},
            ) from None

    def clean_licence(self) -> str:
        """The licence by its SPDX identifier in the usual spelling, or an address."""
        named: str = self.cleaned_data["licence"].strip()
        if not named or (named.startswith(("https://", "http://")) and not licences.is_unknown(named)):
            return named
        found = licences.canonical(named)
        if found is None:
            meant = licences.suggestions(named)
            raise forms.ValidationError(
                _(
                    "“%(name)s” is no SPDX licence. Did you mean %(meant)s? A licence of your own is LicenseRef-…."
                )
                if meant
                else _(
                    "“%(name)s” is no SPDX licence: see spdx.org/licenses. A licence of your own is LicenseRef-…."
                ),
                params={"name": named[:60], "meant": ", ".join(meant)},
            )
        return found

    def clean_authors(self) -> list[Author]:
        """Names, e-mail addresses, and ORCID iDs that were pasted beside the names."""
        people = []
        for line in self.cleaned_data["authors"].splitlines():
            if not line.strip():
                continue
            match = _AUTHOR.fullmatch(line.strip())
            if match is None:
                raise forms.ValidationError(
                    _(
                        "“%(line)s” is not a person: write “Ada Lovelace” or “Ada Lovelace <ada@example.org>”."
                    ),
                    params={"line": line.strip()[:100]},
                )
            name, orcid = split_orcid(match["name"].strip())
            if not name:
                raise forms.ValidationError(
                    _("“%(line)s” is an ORCID iD: write the name before it."),
                    params={"line": line.strip()[:100]},
                )
            people.append(Author(name, match["email"] or "", orcid))
        return people

    def clean(self) -> dict[str, Any]:
        """No control characters anywhere: XML has no way to write them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            if isinstance(value, str):
                cleaned[name] = _CONTROL.sub("", value)
        if "authors" in cleaned:
            cleaned["authors"] = [one._replace(name=_CONTROL.sub("", one.name)) for one in cleaned["authors"]]
        return cleaned


def entry_of(described: dict[str, Any]) -> bytes:
    """The entry that says what the form says."""
    entry = _atom.entry()
    if described["title"]:
        entry.append(_atom.title(described["title"]))
    for name, email, orcid in described["authors"]:
        author = _codemeta.author(_codemeta.name(name))
        if email:
            author.append(_codemeta.email(email))
        if orcid:
            author.append(_codemeta.id(orcid))
        entry.append(author)
    for name, value in (
        ("softwareVersion", described["version"]),
        ("description", described["description"]),
        ("codeRepository", described["repository"]),
        ("datePublished", described["date"].isoformat() if described["date"] else ""),
    ):
        if value:
            entry.append(_codemeta(name, value))
    for keyword in filter(None, map(str.strip, described["keywords"].split(","))):
        entry.append(_codemeta.keywords(keyword))
    if described["licence"]:
        entry.append(_licence(described["licence"].strip()))
    return etree.tostring(entry, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _licence(name: str) -> etree._Element:
    licence: etree._Element = _codemeta.license(_codemeta.name(name))
    if _ONE_LICENCE.fullmatch(name) and not name.startswith("LicenseRef-"):
        licence.append(_codemeta.url(f"https://spdx.org/licenses/{name}.html"))
    return licence
