"""Common programs unpack what our reader sees, or the difference is known; what all unpack alike we accept, mostly.

Forty archives of each sort in the daily run; ``ARCHIVES=1000`` for the long one, of two thousand.
"""

import os
import random
from pathlib import Path

import pytest

from tests.packages.generated_archives import (
    OF_TAR,
    OF_ZIP,
    REFUSED_ALL_THE_SAME,
    Tree,
    as_seen_by,
    generated_tar,
    generated_zip,
    known_difference,
    ours,
    theirs,
)

NUMBER = int(os.environ.get("ARCHIVES", "40"))
BATCH = 20


@pytest.mark.parametrize("batch", range(NUMBER // BATCH))
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_programs_see_what_we_see(form: str, batch: int, tmp_path: Path) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        chance = random.Random(f"{form}{seed}")
        package, folder = tmp_path / f"p{seed}", tmp_path / str(seed)
        package.write_bytes(generated_tar(chance) if form == "tar" else generated_zip(chance))
        folder.mkdir()
        programs = OF_TAR if form == "tar" else OF_ZIP
        unpacked = {name: theirs(name, package, folder / name) for name in programs}
        judge(form, seed, ours(package), {name: tree for name, tree in unpacked.items() if tree is not None})


def judge(form: str, seed: int, seen: Tree | str, unpacked: dict[str, Tree]) -> None:
    """Raise AssertionError if a difference is not a known one."""
    if isinstance(seen, str):
        trees = [as_seen_by(form, "python", tree) for tree in unpacked.values()]
        alike = len(unpacked) == 4 and all(tree == trees[0] for tree in trees)
        assert not alike or seen in REFUSED_ALL_THE_SAME, (
            f"{form} {seed}: all unpack what we refuse as {seen}"
        )
        return
    for name, tree in unpacked.items():
        expected = as_seen_by(form, name, seen)
        assert tree == expected or known_difference(form, name, expected, tree), (
            f"{form} {seed}: {name} differs"
        )
