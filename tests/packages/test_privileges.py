"""Who reads a package has no capabilities, and reaches nobody, not even this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from packages.limits import Limits
from packages.sandbox import examine
from tests.support.samples import make_zip

_READ_ANY_FILE = 1 << 2
_TRY = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({}) != 0)"


def _network_can_be_left() -> bool:
    flags = 0x40000000 if os.geteuid() == 0 else 0x50000000
    return subprocess.run([sys.executable, "-c", _TRY.format(flags)], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Capabilities and namespaces are Linux's.")
def test_a_reader_has_no_privileges(tmp_path: Path) -> None:
    package = tmp_path / "a.zip"
    package.write_bytes(make_zip({"a": b"1"}))
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, told = examine(
            package,
            Limits(),
            examiner="tests.packages.looking_around:LookingAround",
            arguments={"port": server.getsockname()[1]},
            alive=lambda: None,
        )

    kept = _READ_ANY_FILE if os.geteuid() == 0 else 0
    assert told["capabilities"][:3] == [kept, kept, 0]
    if not _network_can_be_left():
        pytest.skip("This system lets no process leave the network.")
    assert (told["connects"], told["interfaces"]) == (False, ["lo"])
