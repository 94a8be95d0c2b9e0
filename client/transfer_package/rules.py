"""All rules for a transfer package, at once."""

from client.transfer_package.contents import Contents, Finding, Severity
from client.transfer_package.layout import judge_layout
from client.transfer_package.metadata_csv import judge_metadata, row_of
from client.transfer_package.options import ACCESSION, CATALOGUED, Options
from client.transfer_package.rights_csv import judge_rights

# A package with more is not described line by line.
MAX_FINDINGS = 500


def judge(contents: Contents, options: Options | None = None) -> list[Finding]:
    """Every finding on a transfer package; it is valid when none is an error."""
    options = options or Options()
    found = [
        *judge_layout(contents),
        *judge_metadata(contents, options),
        *judge_rights(contents, required=options.rights_required),
    ]
    return bounded(found)


def bounded(found: list[Finding]) -> list[Finding]:
    """At most `MAX_FINDINGS`, and a line that says how many more there were."""
    if len(found) <= MAX_FINDINGS:
        return found
    more = len(found) - MAX_FINDINGS
    last = Finding(code="transfer.more", subject="", message=f"{more} more findings are not listed.")
    return [*found[:MAX_FINDINGS], last]


def is_valid(found: list[Finding]) -> bool:
    """Whether a package with these findings is accepted."""
    return all(each.severity is not Severity.ERROR for each in found)


def identifier_of(contents: Contents, options: Options | None = None) -> str:
    """What metadata.csv says the package is: the values of the identifier columns, joined by "/"; "" if it does not."""
    options = options or Options()
    row = row_of(contents)
    if row is None:
        return ""
    names = options.identifier_columns or (CATALOGUED if row[CATALOGUED[0]] else ACCESSION)
    values = [row[name] for name in names]
    return "/".join(values) if all(values) else ""


def title_of(contents: Contents) -> str:
    """The title in metadata.csv, or ""."""
    row = row_of(contents)
    return row["dc.title"] if row else ""
