"""A durable PostgreSQL and an empty archive for the benchmarks of this folder, and the load that they time."""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django
from django.core.management import call_command

from embedded.postgres import Postgres

if TYPE_CHECKING:
    from archive.ingest import Stats


@contextlib.contextmanager
def archive(folder: Path | None = None, *, kept: Path | None = None) -> Iterator[Path]:
    """A scratch folder with an archive in it and an empty index, gone afterwards. PostgreSQL syncs as in production.

    ``kept`` is a folder that stays, with what an earlier run left in it.
    """
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    scratch = kept or Path(tempfile.mkdtemp(prefix="bench-archive-", dir=folder))
    scratch.chmod(0o755)
    # A time limit ends us with SIGTERM; the server must not stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    postgres = Postgres(scratch / "state", say=lambda sentence: None)
    postgres.start()
    try:
        os.environ.update(
            DATABASE_URL=postgres.url(),
            SECRET_KEY=secrets.token_urlsafe(50),
            DEPOSIT_EMBEDDED="true",
            DATA_DIR=str(scratch),
            DEPOSIT_ENV_FILE=str(scratch / "none"),
            DJANGO_SETTINGS_MODULE="settings.embedded",
        )
        django.setup()
        call_command("migrate", verbosity=0)
        yield scratch
    finally:
        from django.db import connection  # noqa: PLC0415 - settings exist only now

        connection.close()
        postgres.stop()
        if not kept:
            shutil.rmtree(scratch, ignore_errors=True)


def empty(scratch: Path) -> None:
    """Forget the archive: its packs are moved aside, because deleting many files would slow the next run."""
    from django.conf import settings  # noqa: PLC0415 - settings exist only now
    from django.db import connection  # noqa: PLC0415

    root = Path(settings.ARCHIVE_ROOT)
    if root.exists():
        root.rename(scratch / f"old-{secrets.token_hex(4)}")
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE archive_pack, archive_object, archive_origin, archive_visit RESTART IDENTITY CASCADE"
        )


def load_package(path: Path) -> "tuple[bytes, Stats, dict[str, float]]":
    """Load a package as the loader does; returns the root, the counts and the seconds of each phase."""
    from django.db import transaction  # noqa: PLC0415 - settings exist only now

    from archive.ingest import Ingest  # noqa: PLC0415
    from archive.packs import LARGE  # noqa: PLC0415
    from archive.tree import Tree  # noqa: PLC0415
    from packages.limits import Limits  # noqa: PLC0415
    from packages.members import Kind  # noqa: PLC0415
    from packages.opening import open_package  # noqa: PLC0415

    times: dict[str, float] = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        times[name] = time.perf_counter() - started - sum(times.values())

    tree = Tree()
    with Ingest() as ingest, open_package(path, Limits(), ahead=True) as package:
        for member in package:
            if member.kind is Kind.FILE:
                if member.size <= LARGE:
                    identifier = ingest.add_content(member.read())
                else:
                    identifier = ingest.add_content_stream(member.chunks(), member.size)
                tree.add_file(member.path, identifier, executable=member.executable)
            elif member.kind is Kind.SYMLINK:
                tree.add_symlink(member.path, ingest.add_content(member.target or b""))
            elif member.kind is Kind.DIRECTORY:
                tree.add_directory(member.path)
            else:
                tree.add_hardlink(member.path, member.target or b"")
        lap("contents")
        root = ingest.add_tree(tree)
        lap("directories")
        ingest.seal()
        lap("seal")
        with transaction.atomic():
            ingest.publish()
        lap("publish")
    return root, ingest.stats, times
