"""Every code of this room with its words: errors that refuse a document at once, and findings of the checks.

Texts are templates; a value from the document is always passed through ``shown`` first, so that no message
grows with its input. The summaries are the ones that people know from swh-deposit.
"""

from dataclasses import dataclass

from deposit.findings import Severity

_MALFORMED = "Malformed xml metadata"
_MISMATCH = "URL mismatch: {url} must start with {prefix}"
_URL = "Invalid URL"
_REFERENCE = "Invalid SWHID reference"
_SLUG = "Invalid Slug header"


@dataclass(frozen=True, slots=True)
class Error:
    """A refusal: ``summary`` is a short phrase, ``hint`` says what to do, ``forbidden`` makes it a 403."""

    summary: str
    hint: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A finding: ``message`` says what to do; ``summary`` is swh-deposit's fixed phrase where it has one."""

    message: str
    summary: str = ""
    severity: Severity = Severity.ERROR


ERRORS: dict[str, Error] = {
    # Reading XML
    "metadata.empty": Error(
        "Empty body request is not supported.",
        "Send an Atom entry that holds the metadata of the deposit.",
    ),
    "metadata.size": Error(
        _MALFORMED,
        "The document has {size} bytes; at most {limit} are accepted. Send data as a package, not in the "
        "entry.",
    ),
    "metadata.encoding": Error(
        _MALFORMED, "{reason} Send the document as UTF-8 and declare it so, or not at all."
    ),
    "metadata.malformed": Error(_MALFORMED, "Line {line}, column {column}: {reason}"),
    "metadata.doctype": Error(
        _MALFORMED,
        "The document has a document type declaration (<!DOCTYPE ...>). Remove it: an Atom entry needs "
        "none, and "
        "entities are not read; write the characters themselves.",
    ),
    "metadata.depth": Error(
        _MALFORMED,
        "Elements are nested more than {limit} deep. Flatten the document; an entry needs fewer than ten.",
    ),
    "metadata.elements": Error(
        _MALFORMED, "The document has more than {limit} tags. Send large data as a package, not in the entry."
    ),
    "metadata.attributes": Error(
        _MALFORMED,
        "Line {line}: an element has more than {limit} attributes. Remove those that are not needed.",
    ),
    "metadata.attribute_size": Error(
        _MALFORMED,
        "Line {line}: the attribute {name} is longer than {limit} characters. Put long text into an element.",
    ),
    # Reading the swh:deposit element
    "metadata.create_and_add": Error(
        "<swh:create_origin> and <swh:add_to_origin> are mutually exclusive, as they respectively create a "
        "new "
        "origin and add to an existing origin.",
        "Keep the one that is meant.",
    ),
    "metadata.mixed_kinds": Error(
        "<swh:reference> is for metadata-only deposits and <swh:create_origin> / <swh:add_to_origin> / Slug "
        "are for "
        "code deposits, only one may be used on a given deposit.",
        "Remove <swh:reference> to deposit code, or {other} to deposit metadata only.",
    ),
    "metadata.origin_url": Error(
        _URL, "<swh:origin> on line {line} has no url. Write the URL of the origin into its url attribute."
    ),
    "reference.target": Error(
        _REFERENCE,
        "<swh:reference> on line {line} must hold exactly one <swh:object swhid='...'/> or <swh:origin "
        "url='...'/>.",
    ),
    "reference.swhid_missing": Error(
        _REFERENCE, "<swh:object> on line {line} has no swhid. Write the SWHID into its swhid attribute."
    ),
    "reference.swhid": Error(
        _REFERENCE, "{reason} Take the SWHID from the page of the object in the archive, without changing it."
    ),
    "reference.qualifier": Error(
        _REFERENCE, "{reason} Use the qualifiers origin, visit, anchor and path, with values, or none."
    ),
    "reference.visit_and_anchor": Error(
        _REFERENCE, "visit already names a snapshot: remove it, or use an anchor that is not a snapshot."
    ),
    # Origins
    "origin.missing": Error(
        _URL, "The URL is empty. Write an absolute URL below the provider URL of your client."
    ),
    "origin.length": Error(_URL, "The URL has more than {limit} characters. Use a shorter one."),
    "origin.characters": Error(
        _URL, "{url} holds {character}, which a URL cannot hold. Percent-encode it (RFC 3986)."
    ),
    "origin.dot_segments": Error(
        _URL, "{url} holds a '.' or '..' path segment. Write the path that is meant without it."
    ),
    "origin.mismatch": Error(_MISMATCH, "Use a URL below the provider URL of your client.", forbidden=True),
    "slug.encoding": Error(_SLUG, "The Slug is not percent-encoded UTF-8 (RFC 5023, section 9.7.1)."),
    "slug.characters": Error(
        _SLUG, "The Slug holds control characters. Use letters, digits, '-', '.', '_' and '/'."
    ),
    "slug.dot_segments": Error(
        _SLUG, "The Slug holds a '.' or '..' path segment. Write the path that is meant."
    ),
    "slug.length": Error(
        _SLUG, "The Slug is too long: the origin URL made from it has more than {limit} characters."
    ),
}

RULES: dict[str, Rule] = {
    "metadata.root": Rule(
        "Root element should be {{http://www.w3.org/2005/Atom}}entry, but it is {value}: send one Atom "
        "entry and "
        "declare its namespace."
    ),
    "metadata.mandatory": Rule(
        "Mandatory fields are missing: add one of {alternatives} directly below the entry.",
        summary="Mandatory fields are missing",
    ),
    "metadata.suggested": Rule(
        "Suggested fields are missing: say where the metadata come from with "
        "<swh:metadata-provenance><schema:url>...</schema:url></swh:metadata-provenance> in <swh:deposit>.",
        summary="Suggested fields are missing",
        severity=Severity.WARNING,
    ),
    "metadata.licence": Rule(
        "{value} is no SPDX licence identifier{suggestion}: see https://spdx.org/licenses/, or write the address "
        "of the licence.",
        severity=Severity.WARNING,
    ),
    "metadata.from_package": Rule(
        "The package itself says what the metadata do not, and it was taken from there: {taken}. Send metadata of "
        "your own if it is not what is meant.",
        severity=Severity.WARNING,
    ),
    "metadata.package_note": Rule(
        "Not all that the package says about itself could be taken: {note}.",
        severity=Severity.WARNING,
    ),
    # swh:deposit
    "metadata.deposit_element": Rule("{name} does not belong here: {parent} may hold {allowed}."),
    "metadata.deposit_repeated": Rule("{name} is given more than once: keep one."),
    "metadata.deposit_exclusive": Rule(
        "create_origin, add_to_origin and reference are mutually exclusive: keep the one that is meant."
    ),
    "metadata.deposit_content": Rule("{name} must hold exactly one {allowed}."),
    "metadata.deposit_attribute": Rule(
        "{name} may not have the attribute {attribute}: it may have {allowed}."
    ),
    "metadata.deposit_text": Rule("{name} may not hold text: remove {value}."),
    # CodeMeta content
    "metadata.uri": Rule(
        "{value} is not an absolute URI: write it with its scheme and host, as in "
        "https://example.org/software."
    ),
    "metadata.identifier": Rule(
        "{value} is not an absolute URI: write the identifier as one, as in https://doi.org/10.1234/example "
        "(a "
        "HAL identifier such as hal-01234567 is accepted too)."
    ),
    "metadata.date": Rule(
        "{value} is not a date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with or without a "
        "time zone."
    ),
    "metadata.day": Rule("{value} is not a day: write YYYY-MM-DD."),
    "metadata.agent": Rule(
        "A person or organization needs a name: write it as <codemeta:name> inside <codemeta:{name}>."
    ),
    "metadata.agent_text": Rule(
        "<codemeta:{name}> may not hold text beside its elements: move {value} into <codemeta:name>."
    ),
    "metadata.affiliation": Rule(
        "affiliation does not have a <codemeta:name> element: add one, or write the name as its text."
    ),
    "metadata.text": Rule("<codemeta:{name}> holds text only: remove the elements inside it."),
    # Vocabularies
    "metadata.external_identifier": Rule(
        "<external_identifier> is not supported anymore, <swh:create_origin> or <swh:add_to_origin> should "
        "be used "
        "instead."
    ),
    "metadata.atom_swapped": Rule(
        "{name} is not a valid Atom element. However, it is a CodeMeta term; make sure namespaces are not "
        "swapped."
    ),
    "metadata.atom_element": Rule(
        "{name} is not a valid Atom element, see https://datatracker.ietf.org/doc/html/rfc4287: remove it, "
        "or use "
        "the namespace it belongs to."
    ),
    "metadata.codemeta_swapped": Rule(
        "{name} is not a valid CodeMeta {version} term. However, it is an Atom element; make sure "
        "namespaces are not "
        "swapped."
    ),
    "metadata.codemeta_renamed": Rule(
        "{name} is not a valid CodeMeta {version} term: in this version it is called {other}."
    ),
    "metadata.codemeta_term": Rule(
        "{name} is not a valid CodeMeta {version} term, see https://codemeta.github.io/terms/: remove it or "
        "use one "
        "that is listed there."
    ),
    "metadata.more": Rule("{count} more findings are not shown: mend those above and send the entry again."),
}

_SHOWN = 120


def shown(value: str | None) -> str:
    """A value from a document as it may stand in a message: quoted, printable, on one line, 120 characters."""
    text = " ".join((value or "").split())
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    return "'" + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) + "'"
