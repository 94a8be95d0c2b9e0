"""The parts of a release, and how each is built from nothing but the commit."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded.release_notes import Release, git

UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """The commit, unpacked: one of two, in folders of different names."""

    folder: Path
    release: Release
    base: str

    def run(self, *words: str | Path, cwd: str = ".") -> None:
        """Run a tool in it, with the time of the commit; what it says goes into ``build.log`` beside it."""
        log = self.folder.parent / "build.log"
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(self.release.time), "LC_ALL": "C.UTF-8"}
        with log.open("ab") as out:
            done = subprocess.run(
                words, check=False, cwd=self.folder / cwd, env=environment, stdout=out, stderr=out
            )
        if done.returncode:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            done.check_returncode()


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a release is built: two checkouts, and the folder of its results."""

    root: Path
    release: Release
    target: Path
    base: str = ""

    def clear(self) -> None:
        """Remove what a former run left."""
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir(parents=True)

    def checkout(self, turn: str) -> Checkout:
        """The files of the commit, and no others. Made when it is first asked for."""
        folder = self.target / turn / "source"
        if not folder.exists():
            folder.mkdir(parents=True)
            archive = folder.parent / "source.tar"
            git(self.root, "archive", "--output", str(archive), self.release.revision)
            subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
        return Checkout(folder=folder, release=self.release, base=self.base)

    def keep(self, files: dict[str, Path]) -> None:
        """Take what was built to the results."""
        for name, path in files.items():
            shutil.copy2(path, self.target / name)

    def leave_results_only(self) -> None:
        """Remove the checkouts; their logs went well."""
        for turn in ("first", "second"):
            shutil.rmtree(self.target / turn, ignore_errors=True)


def digest(path: Path) -> str:
    """SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, pattern: str) -> dict[str, Path]:
    return {path.name: path for path in folder.glob(pattern)}


def _build_client(checkout: Checkout) -> dict[str, Path]:
    """Source and wheel, by the pinned hatchling."""
    checkout.run(
        UV, "build", "--no-build-isolation", "--python", sys.executable, "client", "--out-dir", "../client"
    )
    return _files(checkout.folder.parent / "client", "deposit_client-*")


def _build_debian(checkout: Checkout) -> dict[str, Path]:
    checkout.run("dpkg-buildpackage", "-us", "-uc", "-b")
    return _files(checkout.folder.parent, "*.deb")


def _build_image(checkout: Checkout) -> dict[str, Path]:
    """An OCI archive; nothing of a former build is used."""
    release, name = checkout.release, f"localhost/deposit-server:{checkout.release.version}"
    words = ["buildah", "bud", "--no-cache", "--isolation", "chroot", "--network", "host", "--format", "oci"]
    words += ["--timestamp", str(release.time), "--build-arg", f"REVISION={release.revision}"]
    words += ["--build-arg", f"BASE={checkout.base}"] if checkout.base else []
    # Made here, by deploy/container/make-base: no registry has it.
    words += ["--pull-never"] if checkout.base.startswith("localhost/") else []
    # Where a proxy signs what comes from outside, pip is told so by this variable; the build is told by a mount.
    if certificates := os.environ.get("PIP_CERT"):
        words += ["--volume", f"{certificates}:/etc/ssl/certs/ca-certificates.crt:ro"]
    checkout.run(*words, "-t", name, "-f", "deploy/container/Containerfile", ".")
    layout = checkout.folder.parent / "oci"
    checkout.run("buildah", "push", "-q", "--format", "oci", name, f"oci:{layout}:{release.version}")
    result = checkout.folder.parent / f"deposit-server-{release.version}.oci.tar"
    # As buildah's own archive, which would name the time of day.
    same = [
        "--sort=name",
        f"--mtime=@{release.time}",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=u=rwX,go=rX",
    ]
    checkout.run("tar", *same, "-C", layout, "-cf", result, ".")
    return {result.name: result}


def _build_sbom(checkout: Checkout) -> dict[str, Path]:
    """What the server bundles, as CycloneDX."""
    checkout.run(sys.executable, "-m", "embedded.supply", "sbom")
    return {
        f"deposit-server-{checkout.release.version}.cdx.json": checkout.folder / ".cache" / "sbom.cdx.json"
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Something that is released: how it is built, and the program that it needs, with where to get it."""

    build: Callable[[Checkout], dict[str, Path]]
    program: str = "git"
    advice: str = ""

    @property
    def lacks(self) -> str:
        """What this machine lacks; empty when it lacks nothing."""
        return "" if shutil.which(self.program) else f"{self.program} is missing ({self.advice})"


PARTS = {
    "client": Part(build=_build_client),
    "sbom": Part(build=_build_sbom),
    "debian": Part(
        build=_build_debian,
        program="dh",
        advice="apt install dpkg-dev debhelper python3-venv, on the Debian it is for",
    ),
    "image": Part(build=_build_image, program="buildah", advice="apt install buildah"),
}
