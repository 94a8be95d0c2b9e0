"""``make release``: all that a release consists of, built twice and compared, and then its tag.

``--dry-run`` (or ``RELEASE=dry``) does all of it but the tag. What this machine cannot build is refused, unless
``--without`` says that the release goes without it. The result lies in ``.cache/release/VERSION``, with ``SHA256SUMS``.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from embedded.release_notes import Release, ReleaseError, git, read_release
from embedded.release_parts import PARTS, Workshop, digest

REPOSITORY = Path(__file__).resolve().parent.parent


def main(words: list[str] | None = None) -> int:
    """0 when everything was built the same twice; 1 with a sentence on standard error otherwise."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", default=os.environ.get("RELEASE") == "dry")
    parser.add_argument("--without", action="append", default=[], choices=sorted(PARTS), metavar="PART")
    parser.add_argument("--base", default="", help="the image's base, with its digest")
    options = parser.parse_args(words)
    try:
        release(REPOSITORY, dry=options.dry_run, without=set(options.without), base=options.base)
    except ReleaseError as error:
        print(f"No release: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"No release: {' '.join(map(str, error.cmd))} ended with {error.returncode}.", file=sys.stderr)
        return 1
    return 0


def release(root: Path, *, dry: bool, without: set[str], base: str) -> None:
    """Build, compare, tag. Raises `ReleaseError`, or CalledProcessError of a tool."""
    wanted = read_release(root)
    parts = {name: part for name, part in PARTS.items() if name not in without}
    lacking = {name: part.lacks for name, part in parts.items() if part.lacks}
    if lacking:
        raise ReleaseError(
            "; ".join(f"{name}: {words}, or say --without {name}" for name, words in lacking.items())
        )
    target = root / ".cache" / "release" / wanted.version
    workshop = Workshop(root, wanted, target, base=base)
    workshop.clear()
    # Everything new is promised from now on; tests look that nothing of it goes away.
    workshop.checkout("first").run(sys.executable, "-m", "tests.support.promises", "--check")
    for name, part in parts.items():
        print(f"--- {name}, twice", flush=True)
        first, second = (part.build(workshop.checkout(turn)) for turn in ("first", "second"))
        _compare(name, first, second)
        workshop.keep(first)
    _write_sums(target)
    workshop.leave_results_only()
    _tag(root, wanted, dry=dry)


def _compare(name: str, first: dict[str, Path], second: dict[str, Path]) -> None:
    """Raise `ReleaseError` when two builds of the same differ."""
    if not first:
        raise ReleaseError(f"{name}: nothing was built")
    differing = sorted(
        one
        for one in {*first, *second}
        if one not in first or one not in second or digest(first[one]) != digest(second[one])
    )
    if differing:
        raise ReleaseError(f"{name}: two builds of the same commit differ: {', '.join(differing)}")
    for one in sorted(first):
        print(f"    the same twice: {one} ({first[one].stat().st_size} bytes)", flush=True)


def _write_sums(target: Path) -> None:
    files = sorted(path for path in target.iterdir() if path.is_file())
    lines = [f"{digest(path)}  {path.name}\n" for path in files]
    (target / "SHA256SUMS").write_text("".join(lines))


def _tag(root: Path, wanted: Release, *, dry: bool) -> None:
    if dry:
        print(f"Dry run: {wanted.tag} was not set. It would say:\n\n{wanted.notes}")
        return
    git(root, "tag", "--annotate", "--cleanup=verbatim", wanted.tag, "--message", wanted.notes)
    print(f"{wanted.tag} is set. Now: git push origin {wanted.tag}")


if __name__ == "__main__":
    sys.exit(main())
