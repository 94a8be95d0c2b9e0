"""Writes what the documentation says of cases and codes from the cases and codes themselves.

    python -m tests.packages.catalogue

rewrites the generated sections of ``docs/reference``; a test compares them.
"""

from dataclasses import fields
from pathlib import Path

from packages import CODES, Limits
from packages.bagit import CODES as BAG_CODES
from packages.limits import GIB, MIB
from packages.warnings import WARNINGS
from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import ACCEPTED, CASES, Case
from tests.packages.generated_archives import KNOWN_DIFFERENCES, REFUSED_ALL_THE_SAME
from tests.packages.generated_bags import DIFFERENCES
from tests.packages.tools import WRITTEN

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CASES_PAGE = REFERENCE / "hostile-input.md"
POLICY_PAGE = REFERENCE / "packages.md"
BAGS_PAGE = REFERENCE / "bagit.md"


def section_of(page: str, name: str) -> tuple[int, int]:
    """Where the generated section lies between its two marks."""
    start = page.index(f"<!-- generated: {name} -->\n") + len(f"<!-- generated: {name} -->\n")
    return start, page.index(f"<!-- end: {name} -->", start)


def cases_table() -> str:
    """One line per case, in the order of the modules."""
    refused = [case for case in CASES.values() if case.verdict != ACCEPTED]
    lines = [
        f"{len(CASES)} packages: {len(CASES) - len(refused)} are accepted, {len(refused)} refused.",
        "",
        "| case | what it is | verdict |",
        "| --- | --- | --- |",
    ]
    for case in CASES.values():
        verdict = case.verdict if case.verdict == ACCEPTED else f"`{case.verdict}`"
        if case.warnings:
            verdict += ", with " + ", ".join(f"`{code}`" for code in case.warnings)
        lines.append(f"| {case.name} | {case.about} | {verdict} |")
    return "\n".join(lines) + "\n"


def codes_table() -> str:
    """One line per code."""
    lines = [
        "| code | meaning |",
        "| --- | --- |",
        *(f"| `{code}` | {meaning} |" for code, meaning in CODES.items()),
    ]
    return "\n".join(lines) + "\n"


def limits_table() -> str:
    """One line per limit with its default."""
    lines = ["| limit | default |", "| --- | --- |"]
    defaults = Limits()
    for field in fields(Limits):
        # No limits: how names are read, and what is preferred.
        if field.name not in ("name_encoding", "source_only", "top_folder"):
            lines.append(f"| `{field.name}` | {amount(getattr(defaults, field.name))} |")
    return "\n".join(lines) + "\n"


def amount(value: int | bool) -> str:
    """A default as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
        if value >= unit and value % unit == 0:
            return f"{value // unit} {name}"
    return f"{value:,}"


def warnings_table() -> str:
    """One line per warning."""
    lines = ["| code | meaning |", "| --- | --- |"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in WARNINGS.items()]
    return "\n".join(lines) + "\n"


def tools_table() -> str:
    """One line per feature that a program writes."""
    lines = ["| program | what it writes | verdict |", "| --- | --- | --- |"]
    for program, what, name in WRITTEN:
        lines.append(f"| {program} | {what} | {verdict_of(CASES[name])} |")
    return "\n".join(lines) + "\n"


def verdict_of(case: Case) -> str:
    """The verdict on a case, with its warnings."""
    if case.verdict != ACCEPTED:
        return f"refused: `{case.verdict}`"
    warned = ", ".join(f"`{code}`" for code in case.warnings)
    return f"read, with {warned}" if warned else "read"


def bag_codes_table() -> str:
    """One line per code of bags."""
    lines = ["| code | meaning |", "| --- | --- |"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in BAG_CODES.items()]
    return "\n".join(lines) + "\n"


def differences_table() -> str:
    """One line per difference from the reference library."""
    lines = ["| feature | what decides, and what the library does |", "| --- | --- |"]
    lines += [f"| {feature} | {why} |" for feature, why in DIFFERENCES.items()]
    return "\n".join(lines) + "\n"


def programs_table() -> str:
    """What common programs see otherwise than we, and what they unpack alike and we refuse."""
    lines = ["| accepted, though one program differs | how |", "| --- | --- |"]
    lines += [f"| {program} | {how} |" for program, how in KNOWN_DIFFERENCES.items()]
    lines += ["", "| refused, though all unpack it alike | why |", "| --- | --- |"]
    lines += [f"| `{code}` | {why} |" for code, why in REFUSED_ALL_THE_SAME.items()]
    return "\n".join(lines) + "\n"


SECTIONS = {
    (CASES_PAGE, "packages"): cases_table,
    (POLICY_PAGE, "codes"): codes_table,
    (POLICY_PAGE, "warnings"): warnings_table,
    (POLICY_PAGE, "tools"): tools_table,
    (POLICY_PAGE, "programs"): programs_table,
    (BAGS_PAGE, "codes"): bag_codes_table,
    (BAGS_PAGE, "differences"): differences_table,
    (POLICY_PAGE, "limits"): limits_table,
}


def main() -> None:
    for (path, name), table in SECTIONS.items():
        page = path.read_text()
        start, end = section_of(page, name)
        path.write_text(page[:start] + table() + page[end:])


if __name__ == "__main__":
    main()
