"""The two demo clients, the file that tells scripts about them, and a package to try."""

import io
import secrets
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from embedded.env_files import read_env_file, write_env_file


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A depositor with a collection of its own."""

    username: str
    password: str
    collection: str
    provider_url: str
    domain: str


def demo_clients(file: Path, base_url: str) -> list[Client]:
    """The demo clients, with the passwords that ``file`` (``demo.env``) tells or new ones; writes the file.

    Written before the server answers, so that a script which waits for the server finds it.
    """
    known = read_env_file(file)
    clients = [
        Client(
            username=name,
            password=known.get(f"{prefix}_PASSWORD") or secrets.token_urlsafe(12),
            collection=name,
            provider_url=f"https://{name}.example.org/",
            domain=f"{name}.example.org",
        )
        for name, prefix in (("demo", "DEPOSIT"), ("other", "DEPOSIT_OTHER"))
    ]
    variables = _variables("DEPOSIT", clients[0], base_url) | _variables(
        "DEPOSIT_OTHER", clients[1], base_url
    )
    write_env_file(file, variables, comment="The demo clients; `make run` writes this file at each start.")
    return clients


def demo_package(folder: Path) -> Path:
    """A small source package, so that the first deposit needs nothing else."""
    package = folder / "hello-1.0.tar.gz"
    if not package.exists():
        half = package.with_name(package.name + ".new")
        with tarfile.open(half, "w:gz") as archive:
            _add(archive, "hello-1.0/README", b"The smallest program worth keeping.\n", 0o644)
            _add(archive, "hello-1.0/hello", b'#!/bin/sh\necho "Hello, archive"\n', 0o755)
        half.rename(package)
    return package


def deposit_command(client: Client, base_url: str, package: Path) -> Iterable[str]:
    """The lines to paste for a first deposit with the client of Software Heritage."""
    yield f"swh deposit upload --url {base_url} --username {client.username} --password {client.password} \\"
    yield f"  --archive {package} --name hello --author 'A. Depositor' \\"
    yield f"  --create-origin {client.provider_url}hello"


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _variables(prefix: str, client: Client, base_url: str) -> dict[str, str]:
    return {
        f"{prefix}_BASE_URL": base_url,
        f"{prefix}_USER": client.username,
        f"{prefix}_PASSWORD": client.password,
        f"{prefix}_COLLECTION": client.collection,
        f"{prefix}_PROVIDER_URL": client.provider_url,
    }
