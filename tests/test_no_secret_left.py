"""What the whole service leaves behind holds no password, token or key: every file it wrote, every answer it gave.

All processes run, log as much as they can, and are asked everything with secrets that are marked; the database and the
staging area are taken away in the middle, so that errors with tracebacks are among what is read. PostgreSQL's own files
(tables, write-ahead log, log) are read as they lie on the disk, and so is a backup.
"""

import http.client
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.faults.brokers import Folder
from tests.faults.depositing import deposit_id
from tests.faults.depositing import form as multipart
from tests.faults.service import PASSWORD, Service
from tests.support.factories import basic
from tests.support.identity.server import CLIENT, REALM, SECRET, IdentityServer
from tests.support.samples import make_zip
from tests.test_every_address import ALL

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1"),
]

# Each stands for one kind of secret; "%" would look different in an address, so there is none.
WRONG = f"wrong-{secrets.token_hex(12)}"
THEIRS = f"theirs-{secrets.token_hex(12)}"
CHOSEN = f"Chosen-{secrets.token_hex(12)}"
SETTINGS = {
    "SECRET_KEY": f"secret-key-{secrets.token_urlsafe(50)}",
    "KEYCLOAK_CLIENT_SECRET": SECRET,
    "METRICS_TOKEN": f"metrics-{secrets.token_hex(12)}",
    "AWS_SECRET_ACCESS_KEY": f"bucket-{secrets.token_hex(12)}",
}
# Files in which a secret is kept on purpose: the settings of the embedded database.
KEPT = ("postgres.json",)


class Asking:
    """Requests over real sockets, whose answers are remembered; cookies are sent back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: list[tuple[str, str]] = []
        self.cookies: dict[str, str] = {}
        self.failures = 0

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """Status and text; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            named["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        told = [(name, value) for name, value in answer.getheaders() if name.lower() != "set-cookie"]
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        self.failures += answer.status >= 500
        self.answers.append((f"{method} {path}", f"{told}{text}"))
        return answer.status, text

    def form(self, path: str, **fields: str) -> tuple[int, str]:
        """Fill a form in, as a browser does."""
        self.send("GET", path)
        body = urlencode(fields | {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}).encode()
        return self.send("POST", path, body, Content_Type="application/x-www-form-urlencoded")


@pytest.fixture
def place() -> Iterator[Path]:
    """Not below pytest's own folder, which the database's account may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="secrets-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def walk(asking: Asking, *credentials: str) -> None:
    """Every address, by everybody."""
    for path in ALL:
        if "logout" not in path:
            for header in credentials:
                asking.send("GET", path, b"", **({"Authorization": header} if header else {}))


def deposits(service: Service, asking: Asking) -> list[int]:
    """One that is loaded, one that is rejected, and one of each refused."""
    mine = {"Authorization": basic("faults"), "Content_Type": "multipart/form-data; boundary=B"}
    good = multipart(1, make_zip({"a": b"a"}), "application/zip")
    bad = multipart(2, b"no zip", "application/zip")
    made = [
        deposit_id(
            asking.send("POST", "/1/faults/", body, Idempotency_Key="one" * number, **mine)[1].encode()
        )
        for number, body in enumerate((good, bad), 1)
    ]
    for wrong in ({"Authorization": basic("faults", WRONG)}, {"Content_MD5": "0" * 32}):
        asking.send("POST", "/1/faults/", good, **mine | wrong)
    service.settle(60)
    return made


def log_in_everywhere(asking: Asking, identity: IdentityServer) -> list[str]:
    """By form, by token, by the identity provider; gives the keys of the sessions."""
    sessions = []
    for page, name in (("/login/", "faults"), ("/admin/login/", "root")):
        asking.cookies.clear()
        asking.form(page, username=name, password=WRONG)
        assert asking.form(page, username=name, password=PASSWORD)[0] == 302
        sessions.append(asking.cookies["sessionid"])
    asking.form("/admin/auth/user/add/", username="new", password1=CHOSEN, password2=CHOSEN + "x")
    asking.form("/admin/auth/user/add/", username="new", password1=CHOSEN, password2=CHOSEN)
    asking.form("/admin/password_change/", old_password=WRONG, new_password1=CHOSEN, new_password2=CHOSEN)
    asking.cookies.clear()
    asking.send("GET", "/identity/log-in/")
    identity.user_at_browser = "ada"
    away = http.client.HTTPConnection("127.0.0.1", urlsplit(identity.url).port or 0, timeout=10)
    address = next(
        found[1]
        for _, told in reversed(asking.answers)
        if (found := re.search(r"'Location', '([^']+)'", told))
    )
    away.request("GET", address[len(identity.url) :])
    back = urlsplit(away.getresponse().headers["Location"])
    away.close()
    asking.send("GET", f"{back.path}?{back.query}")
    sessions.append(asking.cookies["sessionid"])
    asking.cookies.clear()
    return sessions


def issue(service: Service, name: str) -> str:
    """A token, as the command shows it once."""
    found = re.search(
        r"dpt_[0-9A-Za-z]{49}", service.manage("token", "create", "--username", "faults", "--name", name)
    )
    assert found
    return found[0]


def break_down(service: Service, asking: Asking, *credentials: str) -> None:
    """Faults of ours: the database away, and the staging area in the way."""
    service.kill_postgres(0)
    service.postgres.stop()
    for header in credentials:
        for path in ("/1/servicedocument/", "/api/deposits/", "/readyz"):
            asking.send("GET", path, Authorization=header)
    with suppress(RuntimeError):
        service.manage("audit", "export")
    service.postgres.start()
    staging = service.folder / "staging"
    staging.rename(service.folder / "away")
    staging.write_bytes(b"")
    body = multipart(3, make_zip({"c": b"c"}), "application/zip")
    asking.send(
        "POST",
        "/1/faults/",
        body,
        Authorization=basic("faults"),
        Content_Type="multipart/form-data; boundary=B",
    )
    staging.unlink()
    (service.folder / "away").rename(staging)


def holding(folder: Path, wanted: re.Pattern[bytes]) -> list[str]:
    """The files below a folder that hold one of the secrets, and which."""
    found, size = [], 0
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in KEPT:
            data = path.read_bytes()
            size += len(data)
            found += [f"{path.relative_to(folder)}: {hit.decode()}" for hit in set(wanted.findall(data))]
    assert size > 10_000_000
    return found


def test_nothing_that_the_service_leaves_behind_holds_a_secret(place: Path) -> None:
    with IdentityServer() as identity:
        identity.passwords["ada"] = THEIRS
        realm = {"KEYCLOAK_SERVER_URL": identity.url, "KEYCLOAK_REALM": REALM, "KEYCLOAK_CLIENT_ID": CLIENT}
        talkative = {"LOG_LEVEL": "DEBUG", "KEYCLOAK_CREATE_USERS": "true"}
        every: Any = SETTINGS | realm | talkative
        with Service(place, Folder(place), **every) as service:
            asking = Asking(service.port)
            service.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
            service.manage(
                "createsuperuser", "--no-input", "--username", "root", "--email", "root@example.org"
            )
            token, revoked = issue(service, "laptop"), issue(service, "lost")
            service.manage("token", "revoke", "--id", "2")
            access = identity.token("faults")
            shown = [basic("faults"), basic("faults", WRONG), basic("ada", THEIRS), basic("faults", token)]
            shown += [f"Bearer {word}" for word in (token, revoked, access, access[:-9] + "A" * 9)]
            made = deposits(service, asking)
            assert [service.statuses()[number] for number in made] == ["done", "rejected"]
            sessions = log_in_everywhere(asking, identity)
            walk(asking, "", *shown)
            break_down(service, asking, *shown)
            service.await_web()
            told = "".join(
                service.manage(*words.split(), check=False)
                for words in ("audit export", "token list", "doctor --json", f"backup {place}/backup")
            )
            url = urlsplit(service.environment["DATABASE_URL"])
        (place / "commands").write_text(told)
        (place / "answers").write_text("\n".join(f"{what} {text}" for what, text in asking.answers))

    words = {
        PASSWORD,
        WRONG,
        THEIRS,
        CHOSEN,
        url.password or "",
        token,
        token[4:],
        revoked,
        access,
        *sessions,
    }
    words |= {header.partition(" ")[2] for header in shown} | set(SETTINGS.values())
    words.add(access.rpartition(".")[2])
    words -= {""}
    assert asking.failures >= 5
    assert "Traceback" in "".join(path.read_text() for path in place.glob("*.log"))
    assert holding(place, re.compile(b"|".join(re.escape(word.encode()) for word in sorted(words)))) == []


def test_a_secret_that_is_left_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "table").write_bytes(bytes(10_000_001) + WRONG.encode() + b"\x00")
    assert holding(tmp_path, re.compile(WRONG.encode())) == [f"deep/table: {WRONG}"]
