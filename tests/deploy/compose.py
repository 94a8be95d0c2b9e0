"""Runs ``deploy/container/compose.yaml`` without a container engine, on loopback addresses of this machine.

Our image is run by ``buildah run --isolation chroot``, in the order that ``depends_on`` asks for and with the
environment, secrets, configs and volumes that the file gives; what is not our image is Debian's own PostgreSQL and
RabbitMQ, moto's S3 and nginx, each on the address that its name is given. As root; needs buildah and those programs.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from server.container import SILENCE, SILENCE_OF_WORKERS

CONTAINER = Path(__file__).resolve().parents[2] / "deploy" / "container"
ADDRESSES = {"postgres": "127.0.77.1", "rabbitmq": "127.0.77.2", "s3": "127.0.77.3", "nginx": "127.0.77.4"}
WEB = ["127.0.77.11", "127.0.77.12"]
USER = 10001
NOBODY = 65534
NAMES = {**ADDRESSES, "web": WEB[0]}
HOSTS = [f"--add-host={host}:{address}" for host, address in NAMES.items()]
# Ends with 0 when the process has said that its loop turns: what is noted before that is due much later.
_TURNS = """
import os, pathlib, sys
noted = pathlib.Path(sys.argv[1])
sys.exit(float(noted.read_text()) - noted.stat().st_mtime > float(sys.argv[2]) + 1)
"""
ENTRYPOINT = ["tini", "--", "python", "-m", "server.container"]


class ComposeError(Exception):
    """The file asks for something that is not there, or a service did not start."""


def read_compose(environment: dict[str, str]) -> dict[str, Any]:
    """The file with its variables filled in, as an engine reads it. Raises `ComposeError` for one that is missing."""

    def fill(match: re.Match[str]) -> str:
        name, sign, more = match["name"], match["sign"], match["more"]
        value = environment.get(name, "")
        if value or sign is None:
            return value
        if sign == ":?":
            raise ComposeError(f"{name}: {more}")
        return str(more)

    text = (CONTAINER / "compose.yaml").read_text()
    filled = re.sub(r"\$\{(?P<name>\w+)(?:(?P<sign>:[-?])(?P<more>[^}]*))?\}", fill, text)
    found: dict[str, Any] = yaml.safe_load(filled)
    return found


def start_order(services: dict[str, Any]) -> list[str]:
    """The services, each after those that it depends on."""
    return list(
        TopologicalSorter({n: set(s.get("depends_on", ())) for n, s in services.items()}).static_order()
    )


@dataclass
class Stack:
    """The services of one compose file, running; its folder holds secrets, volumes and logs."""

    folder: Path
    compose: dict[str, Any]
    image: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    made: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Start everything in its order; what ends by itself is waited for. Raises `ComposeError`."""
        for name in start_order(self.compose["services"]):
            service = self.compose["services"][name]
            if service["image"] != self.image:
                getattr(self, f"_start_{name}")()
                continue
            for number in range(service.get("deploy", {}).get("replicas", 1)):
                self._start_container(name, service, number)

    def stop(self) -> None:
        """Stop all that was started, ours first, and whatever they started: buildah runs it in sessions of its own."""
        for process in reversed(self.processes.values()):
            self._stop(process)
        for container in self.containers.values():
            subprocess.run(["buildah", "rm", container], check=False, capture_output=True)

    def is_healthy(self, name: str) -> bool:
        """What the image's own HEALTHCHECK says of a container."""
        asked = ["buildah", "run", "--isolation", "chroot", "--user", f"{USER}:{USER}", self.containers[name]]
        words = ["python", "-m", "server.container", "healthy"]
        return subprocess.run([*asked, "--", *words], check=False, capture_output=True).returncode == 0

    def written(self, name: str) -> list[str]:
        """What a container's process has written into its root: paths below it."""
        mounted = self._mounted(self.containers[name])
        return [
            str(path.relative_to(mounted))
            for path in mounted.rglob("*")
            if path.lstat().st_uid == USER and path.lstat().st_ctime > self.made[name]
        ]

    def start_read_only(self, name: str) -> float:
        """Start one more of a service on a root that is read-only, until its loop turns, or until bootstrap has ended.

        Gives the seconds that it took. Raises `ComposeError` when it ends otherwise. It is stopped again.
        """
        service = self.compose["services"][name]
        made = _said(["buildah", "from", "--pull-never", *HOSTS, self.image])
        root, label = self._mounted(made), f"{name}-read-only"
        self.containers[label] = made
        pairs = [pair.removesuffix(":ro").split(":") for pair in self._mounts(service)]
        for source, target in pairs:
            place = root / target.lstrip("/")
            if Path(source).is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        (root / "etc" / "hosts").write_text("".join(f"{address} {host}\n" for host, address in NAMES.items()))
        state = self.folder / label
        state.mkdir()
        os.chown(state, USER, USER)
        lines = ['mount --bind "$0" "$0"', 'mount -t proc proc "$0/proc"', 'mount --rbind /dev "$0/dev"']
        lines += [f'mount --bind {state} "$0/tmp"', *(f'mount --bind {s} "$0{t}"' for s, t in pairs)]
        lines += ['mount -o remount,bind,ro "$0"', '! touch "$0/written" 2> /dev/null']
        environment = {**_image_environment(made), **service["environment"], "BIND": "127.0.77.13:8080"}
        words = [f"{key}={value}" for key, value in environment.items()]
        command = ["env", "-i", *words, *ENTRYPOINT, *service["command"]]
        lines += [f'exec chroot --userspec={USER}:{USER} "$0" {shlex.join(command)}']
        began = time.monotonic()
        self._spawn(label, ["unshare", "--mount", "bash", "-euc", "\n".join(lines), root])
        try:
            if service.get("restart") == "no":
                if self.processes[label].wait(timeout=300):
                    raise ComposeError(f"{label}:\n{self.log(label)}")
            else:
                silence = SILENCE.get(name, SILENCE_OF_WORKERS)
                self._until(label, [sys.executable, "-c", _TURNS, state / "deposit-alive", silence])
            return time.monotonic() - began
        finally:
            self._stop(self.processes.pop(label))

    def log(self, name: str) -> str:
        """What a service has written."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        started = _descendants(process.pid)
        _signal([pid for pid in started if _name(pid) == "tini"] or [process.pid], signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        _signal([*started, process.pid], signal.SIGKILL)
        process.wait()

    def _mounted(self, container: str) -> Path:
        return Path(_said(["buildah", "mount", container]))

    # --- Our image -----------------------------------------------------------------------------------------
    def _start_container(self, name: str, service: dict[str, Any], number: int) -> None:
        label = f"{name}-{number + 1}"
        container = self.containers[label] = _said(["buildah", "from", "--pull-never", *HOSTS, self.image])
        self.made[label] = time.time()
        environment = dict(service["environment"])
        if name == "web":
            environment["BIND"] = f"{WEB[number]}:8080"  # the replicas share this machine's addresses
        command = ["buildah", "run", "--isolation", "chroot", "--user", f"{USER}:{USER}"]
        command += [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
        command += [word for pair in self._mounts(service) for word in ("--volume", pair)]
        self._spawn(label, [*command, container, "--", *ENTRYPOINT, *service["command"]])
        if service.get("restart") == "no":
            code = self.processes.pop(label).wait(timeout=300)
            if code:
                raise ComposeError(f"{label} ended with {code}:\n{self.log(label)}")

    def _mounts(self, service: dict[str, Any]) -> Iterator[str]:
        for volume in service.get("volumes", ()):
            source, _, target = volume.partition(":")
            folder = self.folder / "volumes" / source
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, USER, USER)
            yield f"{folder}:{target}"
        for kind in ("secrets", "configs"):
            for asked in service.get(kind, ()):
                one = (
                    asked if isinstance(asked, dict) else {"source": asked, "target": f"/run/secrets/{asked}"}
                )
                yield f"{self._file(kind, one['source'])}:{one['target']}:ro"

    def _file(self, kind: str, name: str) -> Path:
        return Path(self.folder, self.compose[kind][name]["file"]).resolve()

    # --- What others made ----------------------------------------------------------------------------------
    def _start_postgres(self) -> None:
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        data = self.folder / "postgres"
        data.mkdir()
        os.chown(data, NOBODY, NOBODY)
        password = self.folder / "postgres-password"
        shutil.copy(self._file("secrets", "postgres_password"), password)
        os.chown(password, NOBODY, NOBODY)
        as_nobody: list[Any] = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        made: list[Any] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "deposit",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
        ]
        subprocess.run([*as_nobody, *made], check=True, capture_output=True)
        listen = ["-c", f"listen_addresses={ADDRESSES['postgres']}", "-c", f"unix_socket_directories={data}"]
        self._spawn("postgres", [*as_nobody, programs / "postgres", "-D", data, *listen])
        address = f"host={ADDRESSES['postgres']} user=deposit dbname=postgres"
        secret = {"PGPASSWORD": password.read_text()}
        self._until("postgres", [programs / "psql", address, "-c", "SELECT 1"], secret)
        subprocess.run(
            [programs / "psql", address, "-c", "CREATE DATABASE deposit"],
            check=True,
            capture_output=True,
            env=os.environ | secret,
        )

    def _start_rabbitmq(self) -> None:
        folder = self.folder / "rabbitmq"
        folder.mkdir()
        (folder / "plugins").write_text("[].")
        shutil.copy(self._file("secrets", "rabbitmq_conf"), folder / "rabbitmq.conf")
        here = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"compose{os.getpid()}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": ADDRESSES["rabbitmq"],
            "RABBITMQ_NODE_PORT": "5672",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": "25677",
            "ERL_EPMD_PORT": "43677",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._spawn("rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], here)
        self._until("rabbitmq", ["bash", "-c", f"exec 3<>/dev/tcp/{ADDRESSES['rabbitmq']}/5672"])

    def _start_s3(self) -> None:
        moto = [Path(sys.executable).parent / "moto_server", "-H", ADDRESSES["s3"], "-p", "8333"]
        self._spawn("s3", moto)
        self._until("s3", ["bash", "-c", f"exec 3<>/dev/tcp/{ADDRESSES['s3']}/8333"])

    def _start_nginx(self) -> None:
        folder = self.folder / "nginx"
        folder.mkdir()
        site = self._file("configs", "nginx").read_text()
        here = {
            "resolver 127.0.0.11 valid=5s; # the engine's; it knows all replicas of web\n": "upstream web { "
            + " ".join(f"server {address}:8080;" for address in WEB)
            + " }\n",
            "        set $deposit http://web:8080;\n": "",
            "proxy_pass $deposit;": "proxy_pass http://web;",
            "listen 80;": f"listen {ADDRESSES['nginx']}:80;",
            "listen 443 ssl;\n    http2 on;": f"listen {ADDRESSES['nginx']}:443 ssl http2;",
            "/run/secrets/tls_certificate": str(self._file("secrets", "tls_certificate")),
            "/run/secrets/tls_key": str(self._file("secrets", "tls_key")),
        }
        for old, new in here.items():
            if site.count(old) != 1:
                raise ComposeError(f"nginx.conf has no {old!r}")
            site = site.replace(old, new)
        temporary = " ".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {folder}/body; {temporary}\n{site}}}\n"
        )
        self._spawn("nginx", ["nginx", "-c", folder / "nginx.conf"])
        self._until("nginx", ["bash", "-c", f"exec 3<>/dev/tcp/{ADDRESSES['nginx']}/443"])

    def _spawn(self, name: str, command: list[Any], environment: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | (environment or {}),
                start_new_session=True,
            )

    def _until(self, name: str, asked: list[Any], environment: dict[str, str] | None = None) -> None:
        """Wait until a command succeeds, as an engine waits for a healthcheck."""
        deadline = time.monotonic() + 90
        while subprocess.run(
            list(map(str, asked)), check=False, capture_output=True, env=os.environ | (environment or {})
        ).returncode:
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise ComposeError(f"{name} did not start:\n{self.log(name)}")
            time.sleep(0.3)


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _image_environment(container: str) -> dict[str, str]:
    """What the image sets by ENV."""
    said = json.loads(_said(["buildah", "inspect", container]))
    return dict(line.split("=", 1) for line in said["OCIv1"]["config"]["Env"])


def _descendants(pid: int) -> list[int]:
    """The processes that one has started, and those that they have, each after its parent."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = children.get(pid, [])
    return [*found, *(further for child in found for further in _descendants(child))]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def running(folder: Path, image: str) -> Iterator[Stack]:
    """The stack in a folder of its own, with new secrets; stopped at the end."""
    for name in ("make-secrets", "stack.toml", "nginx.conf"):
        shutil.copy(CONTAINER / name, folder / name)
    subprocess.run([folder / "make-secrets", "deposit.example.org"], check=True, capture_output=True)
    environment = {
        "DEPOSIT_HOST": "deposit.example.org",
        "RELEASE_AUTHOR": "Example archive <archive@example.org>",
        "DEPOSIT_IMAGE": image,
    }
    stack = Stack(folder, read_compose(environment), image)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
