"""Packages by their external identifiers: whether they are stored, their versions, and getting them back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from client.depositor import Depositor
from client.downloading import save
from client.transport import Progress


def find(depositor: Depositor, **asked: str) -> Iterator[dict[str, Any]]:
    """The versions of packages that fit, newest first, as the server's JSON API tells of them.

    ``asked``: external_id, accession, collection, file_name, sha256, stored_after, stored_before.
    """
    url, query = _address(depositor, ""), {name: value for name, value in asked.items() if value}
    while url:
        answer = depositor._transport.request(
            "GET", url, headers={"Accept": "application/json"}, params=query
        )
        page = answer.json()
        yield from page["results"]
        # The address of the next page has the query in it.
        url, query = page["next"] or "", {}


def is_stored(depositor: Depositor, **asked: str) -> bool:
    """Whether any version that fits is stored."""
    return any(version["stored"] for version in find(depositor, **asked))


def get(
    depositor: Depositor,
    external_id: str,
    target: Path,
    *,
    version: int | None = None,
    path: str = "",
    progress: Progress | None = None,
) -> Path:
    """Save a version of a package (by default the newest that is stored), or the one file at ``path`` in it.

    A file that this version does not have is taken from the newest before it that has one. Raises `NotFoundError`.
    """
    query = {"external_id": external_id, "version": str(version or ""), "path": path}
    given = {name: value for name, value in query.items() if value}
    name = path.rpartition("/")[2] or external_id.replace("/", "_")
    return save(
        depositor._transport,
        f"{_address(depositor, 'file/' if path else 'download/')}?{urlencode(given)}",
        target,
        {"Accept": "*/*"},
        default_name=name,
        progress=progress,
    )


def _address(depositor: Depositor, end: str) -> str:
    return f"{depositor.url.removesuffix('1/')}api/packages/{end}"
