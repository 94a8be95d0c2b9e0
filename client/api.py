"""What the JSON API of this project's server tells; other servers have none, and `NotFoundError` says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.checks import Finding
from client.depositor import Depositor
from client.errors import NotFoundError, RefusedError
from client.metadata import Metadata


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the server's checks say of a package that was not deposited. ``swhid``: of its directory, or ""."""

    accepted: bool
    findings: tuple[Finding, ...]
    swhid: str = ""


def newest(depositor: Depositor, *, status: str | None = None) -> Iterator[dict[str, Any]]:
    """The deposits of this depositor, newest first, page by page.

    Fields: id, status, title, reception_date, swhid, origin_url, page and others, as the JSON API names them. Servers
    without it are asked over SWORD, for all at once.
    """
    url: str = _address(depositor, "deposits/")
    asked = {"page_size": "50"} | ({"status": status} if status else {})
    asked |= {"client": depositor.username} if depositor.username else {}
    try:
        page = _get(depositor, url, asked)
    except (NotFoundError, RefusedError):
        yield from reversed(list(depositor.deposits(status=status)))
        return
    while True:
        yield from page["results"]
        if not page["next"]:
            return
        # The address of the next page has the query in it.
        page = _get(depositor, page["next"], {})


def check(
    depositor: Depositor,
    *,
    package: Path | None = None,
    metadata: Metadata | bytes | None = None,
    names: str = "",
) -> Verdict:
    """Let the server check a package, metadata or both as a deposit's would be; nothing is kept.

    ``names``: the encoding of names that do not state theirs. Raises `RefusedError` for what is too large (413),
    `NotFoundError` where the server has no such door.
    """
    entry = metadata.to_entry() if isinstance(metadata, Metadata) else metadata
    headers = {"Accept": "application/json"}
    if names:
        headers["X-Name-Encoding"] = names
    found: list[Finding] = []
    accepted, swhid = True, ""
    if entry is not None:
        told = _post(depositor, headers | {"Content-Type": "application/atom+xml;type=entry"}, content=entry)
        accepted, found = bool(told["accepted"]), [*map(_finding, told["findings"])]
    if package is not None:
        told = _post(depositor, headers | {"Content-Type": "application/octet-stream"}, file=package)
        accepted, swhid = accepted and bool(told["accepted"]), str(told.get("swhid") or "")
        found += map(_finding, told["findings"])
    return Verdict(accepted=accepted, findings=tuple(found), swhid=swhid)


def _finding(told: dict[str, Any]) -> Finding:
    return Finding(**{name: str(told[name]) for name in ("severity", "code", "subject", "message")})


def _post(depositor: Depositor, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    if file := body.get("file"):
        headers["Content-Length"] = str(file.stat().st_size)
    answer = depositor._transport.request(
        "POST",
        _address(depositor, "check/"),
        headers=headers,
        params={"collection": depositor.collection},
        repeatable=True,
        **body,
    )
    told: dict[str, Any] = answer.json()
    return told


def _get(depositor: Depositor, url: str, asked: dict[str, str]) -> dict[str, Any]:
    answer = depositor._transport.request(
        "GET", url, headers={"Accept": "application/json"}, params=asked or None
    )
    try:
        page: dict[str, Any] = answer.json()
    except ValueError as error:
        raise NotFoundError("The server has no JSON API.") from error
    return page


def _address(depositor: Depositor, end: str) -> str:
    return f"{depositor.url.removesuffix('1/')}api/{end}"
