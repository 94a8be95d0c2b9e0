"""Prometheus's own program runs every alert rule: it fires when it should, and does not when it should not."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.gunicorn_server import REPOSITORY

RULES = REPOSITORY / "deploy" / "prometheus" / "deposit.rules.yml"
CASES = Path(__file__).with_name("deposit.rules.test.yml")
PROMTOOL = shutil.which("promtool")


def alerts_of_rules() -> set[str]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"] for rule in group["rules"]}


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = [
        (case["alertname"], bool(case["exp_alerts"]))
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    fires = {name for name, does in cases if does}
    # That of the disk has both in one case: a folder that fills up beside one that does not.
    keeps_quiet = {name for name, does in cases if not does} | {"DepositDiskFillsUp"}
    assert (fires, keeps_quiet) == (alerts_of_rules(), alerts_of_rules())


@pytest.mark.skipif(PROMTOOL is None, reason="promtool (Debian's package prometheus) is not installed")
def test_rules_fire_and_keep_quiet(tmp_path: Path) -> None:
    for path in (RULES, CASES):
        shutil.copy(path, tmp_path)
    said = subprocess.run(
        [str(PROMTOOL), "test", "rules", CASES.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
