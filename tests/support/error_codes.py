"""Writes ``docs/reference/errors.md``, every stable code, from the code itself.

    python -m tests.support.error_codes

rewrites the page; a test compares it. Catalogues are read as they are. Refusals stand where they are made, so their
words are read from the source: what is only known at run time becomes an ellipsis.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from archive import errors as archive_errors
from client.transfer_package.catalogue import CATALOGUE as PROFILE_CODES
from deposit.http.statuses import HTTP_STATUS
from deposit.metadata.catalogue import ERRORS, RULES
from deposit.refusals import Kind
from loader.destinations.archivematica.codes import CODES as ARCHIVEMATICA_CODES
from packages import CODES
from packages.bagit import CODES as BAG_CODES
from packages.formats.catalogue import CODES as FILE_CODES
from packages.warnings import WARNINGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "errors.md"
ROOMS = ("deposit", "checker", "loader", "sources", "dashboard")
# Codes of versions before that said the same as another; programs that know the old ones look for the new.
MERGED = {"deposit.transition": "deposit.status", "part.gone": "deposit.package_removed"}
# Raised and caught inside of the service: nobody is told them.
UNTOLD = {"idempotency.replayed", "by_reference.lost"}
# The functions that make a refusal with a code of their caller; each is read where it is called.
MAKERS = {"bad_request": HTTPStatus.BAD_REQUEST, "unauthorized": HTTPStatus.UNAUTHORIZED}
# Where the code of a refusal is made at run time; the page tells of it by other means.
COMPUTED = {
    "deposit/http/headers.py",  # bad_request, a maker
    "deposit/refusals.py",  # unauthorized, a maker
    "deposit/archived/errors.py",  # the archive's own errors
    "deposit/http/errors.py",  # http.404 and its kin
    "dashboard/views/upload.py",  # the catalogue of metadata
}
# What to do, where the answer itself says what is missing and no more.
ADVICE = {
    "auth.header": "Send your user name and password with HTTP Basic, or an API token as Bearer.",
    "auth.invalid": "Send the right user name and password, or an API token as Bearer.",
    "auth.role": "An administrator grants [roles](roles.md).",
    "by_reference.answer": "Make the file answer 200 at that address, as it is, without a coding; then complete again.",
    "by_reference.digest": "Announce the SHA-256 of the file that is there, or put the right file there.",
    "by_reference.length": "Announce the length of the file that is there, or leave `contentLength` away.",
    "by_reference.not_allowed": "The answer names the hosts; `BY_REFERENCE_HOSTS` lists them. Or send the file itself.",
    "by_reference.private": "Send the file itself, or put it where everybody can fetch it.",
    "by_reference.redirects": "Name the address that the file is at in the end.",
    "by_reference.time": "Try again when that server is faster, or send the file itself, in segments.",
    "deposit.status": "Read the deposit again: it has moved on ([its life](states.md)).",
    "form.fields": "Use the form on the upload page.",
    "form.incomplete": "The page marks the fields.",
    "header.content_length": "Send the number of bytes, or chunks.",
    "http.*": "The status says why: 404 nothing there, 405 not that method, 415 not that type.",
    "media_type.unsupported": "The answer names the types that this address takes.",
    "metadata.functional": "The answer lists the findings; see [below](#findings).",
    "multipart.base64": "Encode the part anew, or send it without an encoding.",
    "request.*": "The framework refused it; the words after the dot and the status say why.",
    "request.invalid": "`errors` names each field and what is wrong with it.",
    "sword3.by_reference": "[Fetched by reference](sword3.md) shows a document.",
    "sword3.content_type": "Say what the body is.",
    "sword3.file_away": "Wait until it is fetched; what a deposit that is done held is in the archive.",
    "sword3.malformed": "Send one JSON object, or an Atom entry with a title.",
    "sword3.no_metadata": "Send some with PUT.",
    "sword3.one_file": "Send one file; others are added at the address of the object's files.",
    "token.fields": "Give all three.",
    "upload.segment_number": "Number the segments from 1.",
    "upload.segment_size": "Every segment has the announced size; only the last may be shorter.",
}
# What codes mean whose words are only known at run time.
MEANINGS = {
    "auth.token": "The API token is invalid, expired or revoked.",
    "deposit.status": "The request does not fit the deposit's status any more. SWORD answers 400, the JSON API 409.",
    "export.package": "A package is no longer kept, so it cannot be copied; the message says which.",
    "loading.directory": "Two readings of the package differ: a fault of the service, which archived nothing.",
    "delivery.attempts": "A destination failed too often; the message has the last reason. An operator tries again.",
    "museum.cancelled": "The object was frozen while its package was being made; nothing was sent.",
    "museum.settings": "The preservation service is not set up; the message names the settings.",
    "museum.step": "A step on a museum's object cannot be done as things are; the message says why.",
    "loading.failed": "The package could not be loaded; the message is the reason. An operator loads it again.",
    "upload.segment_size": "A segment has not the size that was announced.",
}
MEANINGS |= ARCHIVEMATICA_CODES
# What the framework says by a status of its own.
FRAMEWORK = {
    "http.*": "SWORD: a refusal that no other code is for.",
    "request.*": "JSON API: a refusal that no other code is for, such as `request.method_not_allowed`.",
}

_START = """\
# Error codes

Every refusal, finding and alert has a code that never changes its meaning; words may be improved and are in some
places translated. Programs go by the code, people by the words. Where something is put in at run time, this page has
an ellipsis. It is made from the code (`python -m tests.support.error_codes`), and a test compares the two.

Where the code stands: in `code` of the JSON API's [problem documents](api.md), in brackets at the end of the log of
SWORD 3's error documents, below the message on web pages, and with every finding. SWORD 2's error documents have no
place for it; there the words stand for it. The exit codes of the command `deposit` are
[on its page](client.md#exit-codes).

## Refusals

The request was not carried out, and nothing of it was kept.
"""
_MERGED = """
### Codes of versions before

These said the same as another and are not sent any more.
"""
_FAULTS = """
## The archive cannot read it now

Clients get 503 with one of these codes and may come again; it is the operators' to mend: the page *Fixity* and
`manage.py archive verify` say what is damaged, [Backup and restore](../how-to/back-up-and-restore.md) how to get it
back. `manage.py archive` ends with the same codes.
"""
_FINDINGS = """
## Findings

Why a deposit was rejected or failed, or a warning that it was taken all the same; each comes with the place. What a
package may be is told in [Packages](packages.md), what metadata may say in [Metadata documents](metadata.md), what
collections with a profile ask for in [Transfer packages](transfer-packages.md).
"""
_PIPELINES = "loader/destinations/archivematica/monitoring.py"
_ALERTS = """
## Alerts

For operators: what the overview, `check_deposit` and the metric `deposit_alert` say is wrong. `*` is `checker`,
`loader` or another queue.
See [Troubleshooting](../how-to/watch-and-mend.md).
"""
_PROBLEMS = """
## Problems

What `manage.py doctor` finds in the files and the archive; what it finds in the record is on the page of
[states](states.md#invariants).
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One place where a code is told: with which status, in which words, and what they say to do."""

    code: str
    status: int
    says: str
    hint: str


def words(node: ast.AST | None, names: dict[str, ast.expr]) -> str:
    """An expression as a reader sees it; what is computed is an ellipsis."""
    match node:
        case None:
            return ""
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(words(part, names) for part in parts)
        case ast.IfExp(body=one, orelse=other):
            return f"{words(one, names)} / {words(other, names)}"
        case ast.Subscript(value=inner) | ast.Call(func=ast.Name(id="_"), args=[inner]):
            return words(inner, names)
        case ast.Call(func=ast.Name(id="ngettext"), args=[_, inner, _]):
            return words(inner, names)
        case ast.BinOp(left=left, op=ast.Mod()):
            return re.sub(r"%\(\w+\)[.\d]*\w", "…", words(left, names))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return words(left, names) + words(right, names)
        case ast.Name(id=name) if name in names:
            return words(names[name], {one: value for one, value in names.items() if one != name})
    return "…"


def refusals() -> tuple[list[Row], set[str]]:
    """All places that refuse with a code of their own, and the files with a code that is computed."""
    found, computed = [], set()
    for path in _sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (told := _arguments(node)) is not None:
                status, code, says, hint = told
                names = _names(tree, node)
                if isinstance(code, ast.Constant) or (isinstance(code, ast.Name) and code.id in names):
                    found.append(Row(words(code, names), status, words(says, names), words(hint, names)))
                else:
                    computed.add(str(path.relative_to(ROOT)))
    return found, computed


def _names(tree: ast.Module, call: ast.Call) -> dict[str, ast.expr]:
    """What names stand for at a call: the last that was assigned above it, or what the module says below."""
    assigned = [
        (node.lineno, node.targets[0].id, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    assigned.sort(key=lambda one: (one[0] < call.lineno, one[0]))
    return {name: value for _, name, value in assigned}


def _sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def _arguments(call: ast.Call) -> tuple[int, ast.expr, ast.expr | None, ast.expr | None] | None:
    """Status, code, summary and hint of a call that refuses; None for others."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    match call:
        case ast.Call(func=ast.Name(id="Refusal"), args=[kind, code, *more]):
            return _status(kind), code, *_pair(more, named)
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"))),
            args=[ast.Attribute(value=ast.Name(id="Kind")) as kind, code, *more],
        ):
            return _status(kind), code, *_pair(more, named)
        case ast.Call(func=ast.Name(id=name), args=[code, *more]) if name in MAKERS:
            return MAKERS[name], code, *_pair(more, named)
        case ast.Call(func=ast.Name(id="problem"), args=[ast.Constant(value=int(status)), code, *more]):
            return status, code, *_pair(more, named)
    return None


def _pair(more: list[ast.expr], named: dict[str | None, ast.expr]) -> tuple[ast.expr | None, ast.expr | None]:
    summary, hint = [*more, None, None][:2]
    return summary, hint or named.get("hint")


def _status(kind: ast.expr) -> int:
    return HTTP_STATUS[Kind[kind.attr]] if isinstance(kind, ast.Attribute) else 0


def public_refusals() -> list[Row]:
    """One row per code that a request can be answered with, by code."""
    rows, _ = refusals()
    rows += [Row(code, 400, says, "") for code, says in FRAMEWORK.items()]
    rows += [
        Row(code, 403 if one.forbidden else 400, _template(one.summary), _template(one.hint))
        for code, one in ERRORS.items()
    ]
    by_code: dict[str, list[Row]] = {}
    for row in rows:
        if row.code not in UNTOLD:
            by_code.setdefault(row.code, []).append(row)
    return [_merged(by_code[code]) for code in sorted(by_code)]


def _merged(rows: list[Row]) -> Row:
    code = rows[0].code
    hints = [row.hint for row in rows if row.hint.strip("… ./,;")]
    says = MEANINGS.get(code) or _joined(row.says for row in rows)
    return Row(code, rows[0].status, says, _joined(hints) or ADVICE.get(code, ""))


def _joined(texts: Iterable[str]) -> str:
    """Different wordings of the same, each once; those that say nothing beside others are left out."""
    kept = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return "<br>".join([text for text in kept if text.strip("… ")] or kept)


def _template(text: str) -> str:
    """A template with its fields as ellipses."""
    return re.sub(r"\{\{|\}\}|\{\w*\}", lambda found: {"{{": "{", "}}": "}"}.get(found[0], "…"), text)


def findings() -> list[tuple[str, str]]:
    """Every code that a check can find, and what it says. Of packages and bags the message itself says what to do."""
    made = [node for path in _sources() for node in _made_findings(path)]
    rules = [(code, _template(rule.message)) for code, rule in RULES.items()]
    profiles = [(code, entry.meaning) for code, entry in PROFILE_CODES.items()]
    named = [*CODES.items(), *BAG_CODES.items(), *FILE_CODES.items(), *WARNINGS.items()]
    return sorted({*made, *rules, *profiles, *named, *ARCHIVEMATICA_CODES.items()})


def _made_findings(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        match node:
            case ast.Call(func=ast.Name(id="_missing"), args=[_, ast.Constant(value=str(code)), says]):
                yield code, words(says, {})
            case ast.Call(func=ast.Name(id="Permanent"), args=[ast.Constant(value=str(code)), says]):
                yield code, MEANINGS.get(code) or words(says, {})
            case ast.Call(func=ast.Name(id="Ending"), keywords=[_, _, _]) if isinstance(
                named.get("code"), ast.Constant
            ):
                code = words(named["code"], {})
                yield code, MEANINGS.get(code) or words(named["sentence"], {})
            case ast.Call(func=ast.Attribute(attr="_fail"), args=[ast.Constant(value=str(code)), says, _]):
                yield code, MEANINGS.get(code) or words(says, {})
            case ast.Call(func=ast.Attribute(attr="create") | ast.Name(id="Finding")):
                if isinstance(code_node := named.get("code"), ast.Constant):
                    code = str(code_node.value)
                    yield code, MEANINGS.get(code) or words(named.get("message"), {})


def faults() -> list[tuple[str, str]]:
    """The archive's own errors: a 503 to clients, and the exit of `manage.py archive`."""
    classes = [
        one
        for one in vars(archive_errors).values()
        if isinstance(one, type) and one.__mro__[1] is not Exception
    ]
    return sorted(
        (one.code, _first_line(one)) for one in classes if issubclass(one, archive_errors.ArchiveError)
    )


def _first_line(one: type) -> str:
    return (one.__doc__ or "").strip().splitlines()[0]


def alert_codes() -> list[tuple[str, str]]:
    """What the overview shows; an asterisk stands for the worker (checker, loader)."""
    files = (
        "deposit/monitoring/alerts.py",
        "deposit/monitoring/deliveries.py",
        _PIPELINES,
        "sources/alerts.py",
    )
    return sorted({row for file in files for row in _calls(file, "Alert", "sentence")})


def problems() -> list[tuple[str, str]]:
    """What the doctor finds beside the invariants of the record."""
    listed = [
        one for one in _calls("deposit/operations/doctor.py", "Problem", "message", "remedy") if one[0] != "*"
    ]
    for node in ast.walk(ast.parse((ROOT / "deposit/operations/doctor.py").read_text(encoding="utf-8"))):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(code)), ast.JoinedStr() as says]):
                listed.append((code, words(says, {})))
    return sorted(listed)


def _calls(source: str, name: str, *told: str) -> Iterator[tuple[str, str]]:
    """The calls that make an alert or problem: code and words. Where the code hangs on a condition, so do they."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            named, names = {one.arg: one.value for one in node.keywords}, _names(tree, node)
            for branch in ("body", "orelse") if isinstance(named["code"], ast.IfExp) else ("",):
                code, *parts = (
                    words(getattr(named[one], branch, named[one]), names) for one in ("code", *told)
                )
                yield code.replace("…", "*"), " ".join(parts)


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        [
            _START,
            "| code | HTTP | what it says | what to do |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{row.code}` | {_http(row)} | {_cell(row.says)} | {_cell(row.hint)} |"
                for row in public_refusals()
            ),
            _MERGED,
            *_table("code before", "code now", [(old, f"`{new}`") for old, new in MERGED.items()]),
            _FAULTS,
            *_table("code", "what it says", faults()),
            _FINDINGS,
            *_table("code", "what it says", findings()),
            _ALERTS,
            *_table("code", "what it says", alert_codes()),
            _PROBLEMS,
            *_table("code", "what it says", problems()),
            "",
        ]
    )


def _http(row: Row) -> str:
    return "" if row.code in FRAMEWORK else str(int(row.status))


def _table(one: str, other: str, rows: list[tuple[str, str]]) -> list[str]:
    lines = [f"| {one} | {other} |", "| --- | --- |"]
    return [*lines, *(f"| `{code}` | {_cell(text)} |" for code, text in dict(rows).items())]


def _cell(text: str) -> str:
    """Text that stays in its cell of a table: no bars, no breaks, no tags but ours."""
    text = " ".join(text.replace("``", "`").split())
    return text.replace("|", "\\|").replace("<", "&lt;").replace("&lt;br>", "<br>")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
