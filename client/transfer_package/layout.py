"""Where the files of a transfer package lie."""

from collections.abc import Iterator

from client.transfer_package.contents import Contents, Finding, is_litter

METADATA = "metadata/metadata.csv"
RIGHTS = "metadata/rights.csv"
ALLOWED = frozenset({METADATA, RIGHTS})


def judge_layout(contents: Contents) -> Iterator[Finding]:
    """Content at the root, and in ``metadata/`` the two CSV files only."""
    paths = sorted(contents.counted())
    yield from _wrapped(paths)
    yield from _missing_metadata(paths)
    yield from _strays(contents)
    if not any(not path.startswith("metadata/") for path in paths):
        yield Finding(
            code="transfer.content",
            subject="",
            message="The package holds no file outside metadata/. Add the files that are to be preserved.",
        )


def _wrapped(paths: list[str]) -> Iterator[Finding]:
    content = [path for path in paths if not path.startswith("metadata/")]
    tops = {path.partition("/")[0] if "/" in path else "" for path in paths}
    if content and all(path.startswith("objects/") for path in content):
        yield Finding(
            code="transfer.objects",
            subject="objects",
            message="All files lie below objects/. Move them up, out of objects/: the paths in the CSV files begin "
            "with objects/, the paths in the package do not.",
        )
    elif len(tops) == 1 and "" not in tops and "metadata" not in tops:
        folder = tops.pop()
        yield Finding(
            code="transfer.single-folder",
            subject=folder,
            message=f"All files lie in the one folder {folder}/. Open the folder, select what is in it, and compress "
            "that: the files and metadata/ belong at the top of the package.",
        )


def _missing_metadata(paths: list[str]) -> Iterator[Finding]:
    if METADATA in paths:
        return
    similar = next((path for path in paths if path.lower().endswith("metadata.csv")), None)
    hint = f" There is {similar}, which has another name or lies elsewhere." if similar else ""
    yield Finding(
        code="transfer.metadata.missing",
        subject=METADATA,
        message=f"The package has no {METADATA}.{hint} Add the file: it says which record the package belongs to.",
    )


def _strays(contents: Contents) -> Iterator[Finding]:
    """Whatever lies in ``metadata/`` beside the two files, folders included."""
    strays = [path for path in contents.files if path.startswith("metadata/") and path not in ALLOWED]
    strays += [
        f"{path}/"
        for path in contents.folders
        if path.startswith("metadata/") and not any(stray.startswith(f"{path}/") for stray in strays)
    ]
    for path in sorted(strays):
        hidden = " (your computer put it there, unseen)" if is_litter(path) else ""
        yield Finding(
            code="transfer.metadata.other-files",
            subject=path,
            message=f"{path}{hidden} may not be in metadata/, which holds metadata.csv and rights.csv and nothing "
            "else. Move it to another folder, or remove it.",
        )
