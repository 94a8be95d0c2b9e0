"""Our verdict on 200 generated bags is that of the reference library, but for the differences that are listed."""

from pathlib import Path

import pytest

from tests.packages.generated_bags import DIFFERENCES, FEATURES, generated, ours, theirs, write


@pytest.mark.parametrize("seed", range(200))
def test_both_come_to_the_same_verdict(seed: int, tmp_path: Path) -> None:
    features, files = generated(seed)
    folder = tmp_path / "bag"
    write(folder, files)

    verdicts = ours(tmp_path / "bag.tar"), theirs(folder)

    assert verdicts[0] == verdicts[1] or not DIFFERENCES.keys().isdisjoint(features), (features, verdicts)


def test_every_difference_is_of_a_feature() -> None:
    assert set(DIFFERENCES) <= set(FEATURES)
    assert len(FEATURES) >= 40
