"""swh-deposit 3.0.1 from PyPI as the peer of a benchmark, in a virtual environment of its own.

Its web server only, favourably set up: scheduler and storage in memory, so that no request waits for another service.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from embedded.postgres import Postgres
from tests.bench.service import REPOSITORY, Service

ENVIRONMENT = REPOSITORY / ".cache" / "bench" / "swh-deposit-3.0.1"
REQUIREMENTS = ["swh.deposit[server]==3.0.1", "gunicorn", "psycopg2-binary"]

CONFIG = """
max_upload_size: 10737418240
checks: false
authentication_provider: basic
scheduler: {{cls: memory}}
storage: {{cls: memory}}
storage_metadata: {{cls: memory}}
swh_authority_url: http://localhost/
allowed_hosts: ["*"]
private:
  secret_key: {secret}
  media_root: {media}
  db: {{name: deposit, user: {user}, password: {password}, host: {host}, port: {port}}}
"""


def installed() -> Path:
    """The interpreter of the peer's environment, installed at first use. Raises CalledProcessError."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (ENVIRONMENT / "complete").touch()
    return python


@contextmanager
def running(*, hashing: bool = True) -> Iterator[Service]:
    """Start the peer with a client ``demo``; answers as `tests.bench.service.running` does.

    ``hashing=False``: with a cheap password hash, which shows what the rest of it can do.
    """
    python = installed()
    data = Path(tempfile.mkdtemp(prefix="deposit-bench-peer-"))
    data.chmod(0o711)
    postgres = Postgres(data, say=lambda sentence: None)
    postgres.start()
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = _environment(data, postgres, hashing)
        password = secrets.token_urlsafe(12)
        _set_up(python, env, password)
        process = subprocess.Popen(
            [
                str(python.parent / "gunicorn"),
                *("-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error", "--timeout", "600"),
                "django.core.wsgi:get_wsgi_application()",
            ],
            env=env,
        )
        try:
            _wait(port)
            demo = {"DEPOSIT_USER": "demo", "DEPOSIT_PASSWORD": password, "DEPOSIT_COLLECTION": "demo"}
            yield Service(port=port, data=data, pid=process.pid, demo=demo)
        finally:
            process.terminate()
            process.wait(60)
    finally:
        postgres.stop()
        shutil.rmtree(data, ignore_errors=True)


def _environment(data: Path, postgres: Postgres, hashing: bool) -> dict[str, str]:
    url = urlsplit(postgres.url())
    query = parse_qs(url.query)
    config = data / "server.yml"
    config.write_text(
        CONFIG.format(
            secret=secrets.token_urlsafe(50),
            media=data / "media",
            user=url.username,
            password=url.password,
            host=query["host"][0],
            port=query["port"][0],
        )
    )
    hashers = "" if hashing else "PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']\n"
    (data / "peer_settings.py").write_text(f"from swh.deposit.settings.production import *\n{hashers}")
    return {
        **os.environ,
        "SWH_CONFIG_FILENAME": str(config),
        "DJANGO_SETTINGS_MODULE": "peer_settings",
        "PYTHONPATH": str(data),
    }


def _set_up(python: Path, env: dict[str, str], password: str) -> None:
    subprocess.run([str(python), "-m", "django", "migrate", "--verbosity", "0"], env=env, check=True)
    code = (
        "import django; django.setup()\n"
        "from swh.deposit.models import DepositClient, DepositCollection\n"
        "collection, _ = DepositCollection.objects.get_or_create(name='demo')\n"
        "user = DepositClient(username='demo', collections=[collection.id], is_active=True,\n"
        "    provider_url='https://demo.example.org/', domain='demo.example.org')\n"
        f"user.set_password({password!r})\n"
        "user.save()\n"
    )
    subprocess.run([str(python), "-c", code], env=env, check=True)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/1/servicedocument/")
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("swh-deposit did not start.")
