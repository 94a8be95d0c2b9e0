"""Saving an answer to a file: whole or not at all, going on where a broken transfer stopped."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import httpx

from client.errors import RefusedError, UnavailableError, UsageError
from client.transport import BrokenError, Progress, Transport

CHUNK = 1024 * 1024


def save(
    transport: Transport,
    url: str,
    target: Path,
    headers: Mapping[str, str],
    *,
    default_name: str,
    progress: Progress | None = None,
) -> Path:
    """Save to ``target`` (a new file, or a folder, in which the server's name is used).

    Checked against the digest the server sends, if any. Raises `UsageError` when the file exists.
    """
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} exists.", "Choose another name, or remove it.")
    folder = target if target.is_dir() else target.parent
    half = folder / f".{default_name if target.is_dir() else target.name}.part"
    tries = transport.retries
    while True:
        try:
            response = _fetch(transport, url, half, headers, progress)
            break
        except BrokenError:
            tries -= 1
            if tries < 0:
                raise
    _check(half, response)
    final = folder / _file_name(response, default_name) if target.is_dir() else target
    if final.exists():
        raise UsageError(f"{final} exists.", "Choose another name, or remove it.")
    half.rename(final)
    return final


def _fetch(
    transport: Transport, url: str, half: Path, headers: Mapping[str, str], progress: Progress | None
) -> httpx.Response:
    marker = half.with_suffix(".etag")
    have = half.stat().st_size if half.exists() and marker.exists() else 0
    wanted = dict(headers)
    if have:
        wanted |= {"Range": f"bytes={have}-", "If-Range": marker.read_text()}
    with transport.download(url, wanted) as response:
        _require_packaging(response, headers)
        if response.status_code != 206:
            have = 0
        etag = response.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            marker.write_text(etag)
        else:
            marker.unlink(missing_ok=True)
        length = response.headers.get("Content-Length", "0")
        total = have + int(length) if length.isdecimal() and length != "0" else 0
        with half.open("ab" if have else "wb") as file:
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    marker.unlink(missing_ok=True)
    return response


def _require_packaging(response: httpx.Response, headers: Mapping[str, str]) -> None:
    """Raise `RefusedError` when the answer is packed otherwise than was asked for; servers that say nothing may be."""
    wanted, got = headers.get("Accept-Packaging"), response.headers.get("Packaging")
    if wanted and got and wanted != got:
        raise RefusedError(
            f"The server gives {got.rpartition('/')[2]}, not the {wanted.rpartition('/')[2]} that was asked for.",
            "Ask for another --packaging.",
        )


def _check(half: Path, response: httpx.Response) -> None:
    """Compare with ``Repr-Digest`` (RFC 9530) or the older ``Digest``, where the server sends one."""
    sent = response.headers.get("Repr-Digest", "") + "," + response.headers.get("Digest", "")
    found = re.search(r"sha-256=:?([A-Za-z0-9+/]+=*):?", sent, re.IGNORECASE)
    if not found:
        return
    with half.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if base64.b64encode(digest).decode() != found[1]:
        half.unlink()
        raise UnavailableError(
            "What arrived is not what was sent.", "Try again; if it stays so, tell the operators."
        )


def _file_name(response: httpx.Response, default: str) -> str:
    """The name the server suggests, without any folder."""
    header = response.headers.get("Content-Disposition", "")
    coded = re.search(r"filename\*=UTF-8''([^;]+)", header, re.IGNORECASE)
    plain = re.search(r'filename="?([^";]+)"?', header, re.IGNORECASE)
    name = unquote(coded[1]) if coded else plain[1] if plain else default
    name = name.replace("\\", "/").rpartition("/")[2].strip()
    return name if name not in ("", ".", "..") and name.isprintable() else default
