"""``make run`` as a person meets it: started as a process, asked over HTTP, stopped by a signal."""

import base64
import fcntl
import http.client
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.env_files import read_env_file, write_env_file

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that an unprivileged account can reach, too."""
    path = Path(tempfile.mkdtemp(prefix="run-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(data: Path, port: int | str) -> dict[str, str]:
    """What a fresh shell has: nothing of the tests' own settings."""
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(data), "PORT": str(port)}


def refused(data: Path, port: int | str) -> str:
    """The words with which a run is refused; it must end by itself, with exit code 1."""
    done = subprocess.run(
        [sys.executable, "-m", "embedded.run"],
        cwd=REPOSITORY,
        env=environment(data, port),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_a_port_in_use_is_refused_before_anything_is_made(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = refused(place / "new", port)
    assert f"Port {port} cannot be used (Address already in use). Choose another: PORT=8081 make run" in words
    assert not (place / "new").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_no_port_is_refused(place: Path, port: str) -> None:
    assert f"PORT is '{port}'; a number from 1 to 65535 is needed." in refused(place / "new", port)


def test_a_data_folder_that_is_a_file_is_refused(place: Path) -> None:
    (place / "file").touch()
    assert f"{place / 'file'} cannot be made" in refused(place / "file", free_port())


def test_a_data_folder_in_use_is_refused_with_the_process_that_uses_it(place: Path) -> None:
    (place / "used").mkdir()
    with (place / "used" / "run.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = refused(place / "used", free_port())
    assert "is in use by another `make run` (process 4711)" in words
    assert not (place / "used" / "postgres").exists()


def test_a_full_disk_is_refused_before_anything_is_made(place: Path) -> None:
    small = place / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "t", small]).returncode:
        pytest.skip("a small file system can only be mounted by root")
    try:
        assert "MiB free; at least 500 are needed. Make room" in refused(small / "data", free_port())
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_an_unwritable_folder_is_refused(place: Path) -> None:
    words = refused(Path("/proc/deposit"), free_port())
    assert "/proc/deposit cannot be made" in words or "MiB free" in words


# --- One whole run -------------------------------------------------------------------------------------
class Run:
    """A running service."""

    def __init__(self, data: Path, output: Path) -> None:
        self.data, self.port, self._output = data, free_port(), output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded.run"],
                cwd=REPOSITORY,
                env=environment(data, self.port),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self._output.read_text()

    def get(self, path: str, *credentials: str) -> int:
        """The status of a GET; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        basic = base64.b64encode(":".join(credentials).encode()).decode()
        try:
            connection.request(
                "GET", path, headers={"Authorization": f"Basic {basic}"} if credentials else {}
            )
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + 60
        while self.get("/healthz") != 200:
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.1)

    def children(self) -> list[str]:
        """The command lines of all processes that use this run's port or folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{self.data}".encode() in variables and int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_text())
        return found


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Run]:
    run = Run(place / "data", place / "output")
    try:
        run.wait_until_healthy()
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(60)


def test_scripts_find_the_demo_clients_as_soon_as_the_service_answers(service: Run) -> None:
    file = service.data / "demo.env"
    variables = read_env_file(file)
    names = ("BASE_URL", "USER", "PASSWORD", "COLLECTION", "PROVIDER_URL")
    assert sorted(variables) == sorted(p + n for p in ("DEPOSIT_", "DEPOSIT_OTHER_") for n in names)
    assert variables["DEPOSIT_BASE_URL"] == f"http://127.0.0.1:{service.port}/1"
    assert variables["DEPOSIT_COLLECTION"] != variables["DEPOSIT_OTHER_COLLECTION"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_shell_reads_the_file_of_the_demo_clients(service: Run) -> None:
    command = f'. "{service.data}/demo.env"; printf "%s %s" "$DEPOSIT_USER" "$DEPOSIT_OTHER_PASSWORD"'
    told = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout
    variables = read_env_file(service.data / "demo.env")
    assert told == f"{variables['DEPOSIT_USER']} {variables['DEPOSIT_OTHER_PASSWORD']}"


@pytest.mark.parametrize("prefix", ["DEPOSIT", "DEPOSIT_OTHER"])
def test_the_demo_clients_are_known_to_the_service(service: Run, prefix: str) -> None:
    variables = read_env_file(service.data / "demo.env")
    user, password = variables[f"{prefix}_USER"], variables[f"{prefix}_PASSWORD"]
    assert service.get("/1/servicedocument/", user, password) == 200
    assert service.get("/1/servicedocument/", user, "guess") == 401


def test_nothing_of_the_data_is_readable_by_others(service: Run) -> None:
    readable = [path.name for path in service.data.iterdir() if path.stat().st_mode & 0o077]
    assert readable == []


def test_a_second_run_in_the_same_folder_is_refused(service: Run) -> None:
    words = refused(service.data, free_port())
    assert f"is in use by another `make run` (process {service.process.pid})" in words
    assert service.get("/healthz") == 200


def test_it_prints_where_to_look_and_what_to_paste(service: Run) -> None:
    deadline = time.monotonic() + 10
    while "Ctrl-C stops everything" not in service.output():
        assert time.monotonic() < deadline, service.output()
        time.sleep(0.1)
    variables = read_env_file(service.data / "demo.env")
    assert f"http://127.0.0.1:{service.port}/admin/" in service.output()
    assert re.search(
        r"An administrator was made: admin, password \S{16} \(shown only now\)", service.output()
    )
    paste = (
        f"swh deposit upload --url {variables['DEPOSIT_BASE_URL']} --username {variables['DEPOSIT_USER']} "
    )
    assert paste in service.output()


def test_it_ends_all_that_it_started_and_starts_again_with_its_data(service: Run, place: Path) -> None:
    """The last test of the whole run: the service does not survive it."""
    data = service.data
    before = read_env_file(data / "demo.env") | read_env_file(data / "deposit.env")
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0, service.output()
    assert service.children() == []
    second = Run(data, place / "output-again")
    try:
        second.wait_until_healthy()
        after = read_env_file(data / "demo.env") | read_env_file(data / "deposit.env")
        for name in ("SECRET_KEY", "DATABASE_URL", "DEPOSIT_PASSWORD", "DEPOSIT_OTHER_PASSWORD"):
            assert after[name] == before[name]
        assert second.get("/1/servicedocument/", after["DEPOSIT_USER"], after["DEPOSIT_PASSWORD"]) == 200
    finally:
        second.process.terminate()
        assert second.process.wait(60) == 0
    assert second.children() == []
    assert "shown only now" not in second.output()


def test_an_interrupt_before_it_has_started_leaves_nothing_running(place: Path) -> None:
    run = Run(place / "early", place / "output-early")
    while "Starting PostgreSQL" not in run.output():
        time.sleep(0.01)
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(60) == 130, run.output()
    assert run.children() == []
    assert "Traceback" not in run.output()


# --- Its files -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["plain", "two words", "it's", '"$HOME" `id`', "a=b#c", "ä&?%20", ""])
def test_a_value_survives_the_environment_file(tmp_path: Path, value: str) -> None:
    write_env_file(tmp_path / "x.env", {"NAME": value, "OTHER": "kept"}, comment="A comment, with a '.")
    assert read_env_file(tmp_path / "x.env") == {"NAME": value, "OTHER": "kept"}
