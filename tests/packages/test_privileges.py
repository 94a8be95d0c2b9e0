"""Who reads a package has no capabilities, and reaches nobody, not even this machine."""

import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from packages.limits import Limits
from packages.sandbox import examine
from tests.support.samples import make_zip

_READ_ANY_FILE = 1 << 2
_TRY = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({}) != 0)"


def _network_can_be_left() -> bool:
    flags = 0x40000000 if os.geteuid() == 0 else 0x50000000
    return subprocess.run([sys.executable, "-c", _TRY.format(flags)], check=False).returncode == 0


def _landlock() -> int:
    """The version that the kernel has; 0 for none."""
    return max(0, int(ctypes.CDLL(None).syscall(444, None, 0, 1)))


def _looks_around(folder: Path) -> dict[str, Any]:
    """What a reader of a package in a folder tells of itself."""
    package = folder / "a.zip"
    package.write_bytes(make_zip({"a": b"1"}))
    (folder / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, told = examine(
            package,
            Limits(),
            examiner="tests.packages.looking_around:LookingAround",
            arguments={
                "port": server.getsockname()[1],
                "secret": str(folder / "secret"),
                "other": os.getpid(),
            },
            alive=lambda: None,
        )
    return told


@pytest.mark.skipif(sys.platform != "linux", reason="Capabilities and namespaces are Linux's.")
def test_a_reader_has_no_privileges(tmp_path: Path) -> None:
    told = _looks_around(tmp_path)
    kept = _READ_ANY_FILE if os.geteuid() == 0 else 0
    assert told["capabilities"][:3] == [kept, kept, 0]
    if not _network_can_be_left():
        pytest.skip("This system lets no process leave the network.")
    assert (told["connects"], told["interfaces"]) == (False, ["lo"])


@pytest.mark.skipif(
    sys.platform != "linux" or _landlock() < 6, reason="This kernel has no Landlock, or an early one."
)
def test_a_reader_reads_its_package_and_touches_nothing_else(tmp_path: Path) -> None:
    """As root, too, whom no mode of a file keeps out."""
    told = _looks_around(tmp_path)
    allowed = {name for name in ("reads", "lists", "makes", "removes", "signals") if told[name]}
    assert allowed == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "secret"]
