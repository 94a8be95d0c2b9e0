"""The contents of a museum's package, judged file by file: formats, pictures, and what is in zip attachments.

Each file is copied out and judged in a confined process; at most one is there at a time, beside a zip that is looked
into.
"""

import tempfile
from pathlib import Path

from checker.profiles.museum import finding_of
from client.transfer_package.contents import Finding
from deposit.queue.leases import Lease
from deposit.staging.files import root
from packages import Kind, Limits, Member, PackageError, open_package
from packages.formats.judging import Judge, judging
from packages.formats.preservable import ARCHIVES, NotPreservable, check_name, extension

# Descriptions are made by the collection system; what they are is known.
_KNOWN = ("Multimedia.xml", "CollectionActivity.xml")


def content_findings(package: Path, limits: Limits, lease: Lease) -> list[Finding]:
    """The findings on the files of a package that was proved whole. Raises `LeaseLost`, JudgeDied, OSError."""
    found: list[Finding] = []
    root().mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="museum-", dir=root()) as folder,
        judging() as judge,
        open_package(package, limits) as opened,
    ):
        for member in opened:
            path = member.path.decode("utf-8", "backslashreplace")
            if member.kind is not Kind.FILE or path.rpartition("/")[2] in _KNOWN:
                continue
            lease.check()
            copy = _copy(member, Path(folder, "file"), lease)
            is_zip = path.startswith("attachments/") and extension(path) in ARCHIVES
            refused = _judge_zip(copy, path, judge, lease) if is_zip else judge(copy, path)
            if refused is not None:
                found.append(finding_of(refused, path))
    return found


def _judge_zip(archive: Path, name: str, judge: Judge, lease: Lease) -> NotPreservable | None:
    try:
        with open_package(archive, Limits(members=100_000)) as opened:
            for member in opened:
                if member.kind is Kind.DIRECTORY:
                    continue
                path = member.path.decode("utf-8", "backslashreplace")
                check_name(path)
                if member.kind is not Kind.FILE:
                    return _bad_zip(name, f"it holds a link: {path}")
                copy = _copy(member, archive.with_name("inner"), lease)
                if refused := judge(copy, f"{name}/{path}"):
                    return refused
    except NotPreservable as refused:
        return refused
    except PackageError as error:
        return _bad_zip(name, str(error))
    return None


def _bad_zip(name: str, why: str) -> NotPreservable:
    return NotPreservable(
        "Unsupported file format: zip", f"{name} cannot be unpacked: {why}", "museum.format"
    )


def _copy(member: Member, target: Path, lease: Lease) -> Path:
    with target.open("wb") as file:
        for chunk in member.chunks():
            lease.check()
            file.write(chunk)
    return target
