"""The virtual environment: made from a plain ``python3``, with the packages that the requirements file pins.

Debian's ``python3`` comes without pip and ensurepip, so a pip is kept in this folder. Nothing but the
standard library is used here, and no syntax newer than Python 3.6: an old Python must be able to say what
is missing.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
VENV = REPOSITORY / ".venv"
OLDEST = (3, 11)

# The packages take about 330 MB, the tools of development as much again.
_NEEDED_BYTES = 700 * 1024**2


class SetupError(Exception):
    """What is missing on this machine, and what to do about it."""


def set_up(requirements: str) -> None:
    """Make sure that ``.venv`` holds what the file ``requirements`` pins. Cheap when it does already."""
    wanted = hashlib.sha256((REPOSITORY / requirements).read_bytes()).hexdigest()
    stamp = VENV / ("." + requirements + ".sha256")
    if _works(VENV) and stamp.exists() and stamp.read_text() == wanted:
        return
    (REPOSITORY / ".cache").mkdir(exist_ok=True)
    with (REPOSITORY / ".cache" / "setup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _check_space()
        if not _works(VENV):
            _make_venv()
        _install(REPOSITORY / requirements)
        stamp.write_text(wanted)


def _works(venv: Path) -> bool:
    """Whether there is a virtual environment here, of a Python that is new enough and still there."""
    test = f"import sys; sys.exit(sys.version_info < {OLDEST} or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([str(venv / "bin" / "python"), "-c", test], check=False).returncode == 0
    except OSError:
        return False


def _find_python() -> str:
    newest_first = [f"python3.{minor}" for minor in range(20, OLDEST[1] - 1, -1)]
    for name in [sys.executable, "python3", *newest_first]:
        path = shutil.which(name) if name else None
        test = f"import sys, venv; sys.exit(sys.version_info < {OLDEST})"
        if (
            path
            and subprocess.run([path, "-c", test], check=False, stderr=subprocess.DEVNULL).returncode == 0
        ):
            return path
    wanted, found = ".".join(map(str, OLDEST)), ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"Python {wanted} or newer is needed; this is Python {found} and no newer one is on PATH.\n"
        "Install one (on Debian 12 or newer: apt install python3), or say: make run PYTHON=/path/to/python3"
    )


def _check_space() -> None:
    free = shutil.disk_usage(str(REPOSITORY)).free
    if free < _NEEDED_BYTES:
        raise SetupError(
            f"{REPOSITORY} has {free // 1024**2} MiB free; the virtual environment needs up to "
            f"{_NEEDED_BYTES // 1024**2}. Make room and start again."
        )


def _make_venv() -> None:
    python = _find_python()
    print(f"Making a virtual environment in {VENV} with {python}", flush=True)
    done = subprocess.run([python, "-m", "venv", "--clear", "--without-pip", str(VENV)], check=False)
    if done.returncode or not _works(VENV):
        shutil.rmtree(str(VENV), ignore_errors=True)
        raise SetupError(f"Python's own `venv` could not make {VENV}; its words are above.")


def _install(requirements: Path) -> None:
    pip = next((REPOSITORY / "embedded").glob("pip-*.whl")) / "pip"
    command = [str(VENV / "bin" / "python"), str(pip), "install", "--require-hashes", "--no-color"]
    command += ["--disable-pip-version-check", "--no-input", "-r", str(requirements)]
    total = sum(1 for line in requirements.read_text().splitlines() if "==" in line)
    print(f"Installing up to {total} packages, as {requirements.name} pins them", flush=True)
    environment = dict(os.environ, PIP_NO_WARN_SCRIPT_LOCATION="1", PIP_ROOT_USER_ACTION="ignore")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, universal_newlines=True
    ) as process:
        last = _show_progress(process, total)
    if process.returncode:
        words = "\n".join(last)
        raise SetupError(
            f"{words}\n\npip could not install {requirements.name}. If it is the network: pip's own settings "
            "(PIP_INDEX_URL, HTTPS_PROXY) are honoured. Start again to go on where this ended."
        )


def _show_progress(process: "subprocess.Popen[str]", total: int) -> "deque[str]":
    last: deque[str] = deque(maxlen=15)
    collected = 0
    for line in process.stdout or []:
        last.append(line.rstrip())
        if line.startswith("Collecting "):
            collected += 1
            _show(f"  {collected} of {total}: {line.split()[1]}")
        elif line.startswith("Installing collected"):
            _show("  unpacking them")
    if sys.stdout.isatty():
        print()
    return last


def _show(words: str) -> None:
    if sys.stdout.isatty():
        print("\r\033[K" + words, end="", flush=True)
    elif "unpacking" in words or words.split()[0].endswith("0"):
        print(words, flush=True)
