"""The brokers, started for one run, and the harm that can be done to each."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol


class BrokerMissing(Exception):
    """This broker is not installed here; ``str()`` says what to install."""


class Broker(Protocol):
    """A broker of one's own."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def freeze(self, seconds: float) -> None: ...
    def kill(self, seconds: float) -> None: ...
    def lose_messages(self) -> None: ...


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


class Folder:
    """The embedded default: messages are files. Away means that its folder is."""

    url = "filesystem://localhost"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "broker"

    def start(self) -> None:
        for name in ("messages", "control"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def stop(self) -> None: ...

    def freeze(self, seconds: float) -> None:
        self.kill(seconds)

    def kill(self, seconds: float) -> None:
        """The folder is away, and a file in its place: nothing can be written or read."""
        messages, away = self.folder / "messages", self.folder / "away"
        messages.rename(away)
        messages.write_bytes(b"")
        time.sleep(seconds)
        messages.unlink()
        away.rename(messages)

    def lose_messages(self) -> None:
        for path in (self.folder / "messages").glob("*"):
            path.unlink(missing_ok=True)


class _Server:
    """A broker that is a process."""

    process: subprocess.Popen[bytes]

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self, seconds: float) -> None:
        self._signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self._signal(signal.SIGCONT)

    def kill(self, seconds: float) -> None:
        self.stop()
        time.sleep(seconds)
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Redis(_Server):
    """Redis without persistence: a restart loses every message."""

    def __init__(self, folder: Path) -> None:
        if not shutil.which("redis-server"):
            raise BrokerMissing("Redis is not installed: apt install redis-server")
        self.folder = folder / "redis"
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                self.folder,
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        await_port(self.port, self.process)

    def lose_messages(self) -> None:
        subprocess.run(["redis-cli", "-p", str(self.port), "FLUSHALL"], check=True, stdout=subprocess.DEVNULL)


class RabbitMQ(_Server):
    """RabbitMQ with quorum queues, which keep their messages over a restart."""

    def __init__(self, folder: Path) -> None:
        self.program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        if not self.program.exists():
            raise BrokerMissing("RabbitMQ is not installed: apt install rabbitmq-server")
        self.folder = folder / "rabbitmq"
        self.port, self.epmd, self.distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.environment = {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"deposit{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "plugins").write_text("[].")
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [self.program], env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        await_port(self.port, self.process)

    def stop(self) -> None:
        super().stop()
        epmd = subprocess.run(
            ["pgrep", "-f", f"epmd.*-port {self.epmd}|epmd -daemon"],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in map(int, epmd.stdout.split()):
            with contextlib.suppress(OSError):
                if f"ERL_EPMD_PORT={self.epmd}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def lose_messages(self) -> None:
        control = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", self.environment["RABBITMQ_NODENAME"]]
        for queue in ("check", "load"):
            subprocess.run(
                [*control, "purge_queue", queue], env=self.environment, check=False, capture_output=True
            )


BROKERS: dict[str, type[Folder] | type[Redis] | type[RabbitMQ]] = {
    "filesystem": Folder,
    "redis": Redis,
    "rabbitmq": RabbitMQ,
}
