"""The image and the compose file: what they promise, and a deposit through all their processes.

Building and running take minutes, root, buildah and debootstrap: set TEST_CONTAINER=1. What can be read is read always.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
import yaml

from server.container import commands
from tests.deploy.compose import ADDRESSES, CONTAINER, ComposeError, Stack, read_compose, running, start_order

REPOSITORY = CONTAINER.parents[1]
BASE_IMAGE, IMAGE = "localhost/deposit-base:test", "localhost/deposit-server:test"
BUILT_AT = "1700000000"
GIVEN = {"DEPOSIT_HOST": "deposit.example.org", "RELEASE_AUTHOR": "An archive <a@example.org>"}
HOSTS = {"Host": "deposit.example.org"}
needs_root = pytest.mark.skipif(
    not os.environ.get("TEST_CONTAINER") or os.geteuid() != 0 or not shutil.which("buildah"),
    reason="takes minutes: set TEST_CONTAINER=1, as root, with buildah and debootstrap",
)


def ours() -> dict[str, dict[str, Any]]:
    services = read_compose(GIVEN)["services"]
    return {name: one for name, one in services.items() if "deposit-server" in one["image"]}


def test_every_process_has_a_service() -> None:
    assert set(ours()) == {*commands(), "bootstrap"}


def test_no_service_of_ours_starts_before_the_tables_are_there() -> None:
    order = start_order(read_compose(GIVEN)["services"])
    for name in set(ours()) - {"bootstrap"}:
        assert order.index("bootstrap") < order.index(name) < order.index("nginx") or name != "web"
    assert order.index("postgres") < order.index("bootstrap")


def test_services_are_given_as_little_as_they_need() -> None:
    for name, service in ours().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not [
            value for value in map(str, service["environment"].values()) if "password" in value.lower()
        ]
    published = {n: s["ports"] for n, s in read_compose(GIVEN)["services"].items() if "ports" in s}
    assert set(published) == {"nginx"}


@pytest.mark.parametrize("missing", GIVEN)
def test_what_must_be_said_is_asked_for(missing: str) -> None:
    with pytest.raises(ComposeError, match=missing):
        read_compose({name: value for name, value in GIVEN.items() if name != missing})


def test_secrets_are_made_once_and_closed(tmp_path: Path) -> None:
    shutil.copy(CONTAINER / "make-secrets", tmp_path)
    first = subprocess.run(
        [tmp_path / "make-secrets", "a.example.org"], check=True, capture_output=True, text=True
    )
    files = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    again = subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True, text=True)
    assert (first.stdout.count("made"), again.stdout) == (len(files) - 1, "")
    assert {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()} == files
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    named = {Path(one["file"]).name for one in read_compose(GIVEN)["secrets"].values()}
    assert named <= set(files)


def test_the_image_holds_the_code_and_nothing_else() -> None:
    taken = re.findall(r"^!(\S+)$", (REPOSITORY / ".containerignore").read_text(), re.MULTILINE)
    rooms = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"embedded", "tests"}
    assert rooms <= set(taken)
    assert not {"tests", ".git", "data", "docs"} & set(taken)


# --- Built and run -------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def image() -> str:
    """The image, built on a slim Debian made here."""
    if subprocess.run(["buildah", "inspect", BASE_IMAGE], check=False, capture_output=True).returncode:
        environment = os.environ | {"SOURCE_DATE_EPOCH": BUILT_AT}
        subprocess.run([CONTAINER / "make-base", "bookworm", BASE_IMAGE], check=True, env=environment)
    _build(IMAGE, "--layers")
    return IMAGE


def _build(name: str, *more: str) -> None:
    words = ["--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker"]
    words += ["--build-arg", f"BASE={BASE_IMAGE}", "--timestamp", BUILT_AT, "-t", name]
    if certificates := os.environ.get("PIP_CERT"):
        words += ["--volume", f"{certificates}:/etc/ssl/certs/ca-certificates.crt:ro"]
    _buildah("bud", "-q", *words, *more, "-f", str(CONTAINER / "Containerfile"))


def _buildah(*words: str) -> str:
    done = subprocess.run(["buildah", *words], cwd=REPOSITORY, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def _run(image: str, *command: str) -> str:
    """What a command says in a container of the image, as its own user."""
    container = _buildah("from", "--pull-never", image)
    try:
        return _buildah("run", "--isolation", "chroot", container, "--", *command)
    finally:
        _buildah("rm", container)


@pytest.fixture(scope="module")
def stack(image: str) -> Iterator[Stack]:
    """Everything of the compose file, running."""
    with tempfile.TemporaryDirectory(prefix="compose-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as an account of its own
        with running(Path(folder), image) as stack:
            yield stack


@needs_root
def test_a_deposit_goes_through_all_containers(stack: Stack) -> None:
    context = ssl.create_default_context(cafile=str(stack.folder / "secrets" / "tls.crt"))
    context.check_hostname = False
    address = f"https://{ADDRESSES['nginx']}"
    with httpx.Client(base_url=address, verify=context, headers=HOSTS, timeout=30) as http:
        _until(lambda: http.get("/readyz").status_code == 200, stack)
        _make_client(stack)
        sent = http.post(
            "/1/papers/",
            auth=("ada", "correct horse battery staple"),
            content=_package(stack.folder),
            headers={
                "Content-Type": "application/zip",
                "Content-Disposition": "attachment; filename=letters.zip",
                "Packaging": "http://purl.org/net/sword/package/SimpleZip",
                "In-Progress": "true",
            },
        )
        assert sent.status_code == 201, sent.text
        number = int(re.findall(r"deposit_id>(\d+)<", sent.text)[0])
        entry = '<entry xmlns="http://www.w3.org/2005/Atom"><title>Letters</title><author><name>Ada</name></author></entry>'
        done = http.post(
            f"/1/papers/{number}/metadata/",
            auth=("ada", "correct horse battery staple"),
            content=entry,
            headers={"Content-Type": "application/atom+xml;type=entry", "In-Progress": "false"},
        )
        assert done.status_code < 300, done.text

        def is_done() -> bool:
            told = http.get(f"/1/papers/{number}/status/", auth=("ada", "correct horse battery staple"))
            return "deposit_status>done<" in told.text

        _until(is_done, stack)


@needs_root
def test_every_container_says_that_it_lives(stack: Stack) -> None:
    for name in stack.containers:
        if not name.startswith("bootstrap"):
            assert stack.is_healthy(name), stack.log(name)


@needs_root
def test_nothing_is_written_but_where_it_may_be(stack: Stack) -> None:
    for name in stack.containers:
        written = stack.written(name)
        assert [path for path in written if not path.startswith(("tmp/", "var/lib/deposit/"))] == [], name


@needs_root
def test_every_process_starts_on_a_root_that_is_read_only(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    for name in sorted(ours()):
        record_property(name, f"{stack.start_read_only(name):.1f} s")


@needs_root
def test_the_list_of_what_is_in_it_is_whole(image: str) -> None:
    listed = json.loads(_run(image, "cat", "/usr/share/deposit/sbom.cdx.json"))
    urls = {one["purl"].split("?")[0] for one in listed["components"] if "purl" in one}
    debian = _run(image, "dpkg-query", "-W", "-f", "pkg:deb/debian/${Package}@${Version}\\n").splitlines()
    ask = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    python = [tuple(line.split()) for line in _run(image, "python", "-c", ask).splitlines()]
    assert {quote(url, safe=":/@") for url in debian} <= {quote(unquote(url), safe=":/@") for url in urls}
    known = {(re.sub("[-_.]+", "-", c["name"]).lower(), c["version"]) for c in listed["components"]}
    assert {(re.sub("[-_.]+", "-", name).lower(), version) for name, version in python} <= known


@needs_root
def test_it_runs_as_nobody_in_particular_and_starts_with_valid_bytecode(image: str) -> None:
    assert _run(image, "id", "-u").strip() == "10001"
    # Bytecode that is not taken would be made anew at each start, for nothing can be written.
    said = _run(
        image,
        "sh",
        "-c",
        "python -v -c 'import decimal, django.forms, celery.app, deposit.models' 2>&1 || true",
    )
    assert re.findall(r"code object from '\S*/(?:decimal|forms/widgets|celery/__init__)\S*'", said)
    assert re.findall(r"bytecode is stale.*|code object from .*\.py'", said) == []


@needs_root
@pytest.mark.skipif(not os.environ.get("TEST_CONTAINER_TWICE"), reason="minutes: set TEST_CONTAINER_TWICE=1")
def test_two_builds_of_the_same_are_the_same(image: str) -> None:
    for name in ("first", "second"):
        _build(f"{IMAGE}-{name}", "--no-cache")
    ids = [_buildah("images", "-q", "--no-trunc", f"{IMAGE}-{name}") for name in ("first", "second")]
    assert ids[0] == ids[1]


@needs_root
def test_the_stack_is_bootstrapped_again_without_a_change(stack: Stack) -> None:
    stack._start_container("bootstrap", stack.compose["services"]["bootstrap"], 1)
    assert "collection papers: as it was" in stack.log("bootstrap-2")


def _make_client(stack: Stack) -> None:
    service = dict(stack.compose["services"]["bootstrap"])
    plan = stack.folder / "clients.toml"
    (stack.folder / "secrets" / "ada").write_text("correct horse battery staple\n")
    (stack.folder / "secrets" / "ada").chmod(0o444)
    plan.write_text(
        '[[clients]]\nusername = "ada"\nprovider_url = "https://papers.example.org/"\ncollections = ["papers"]\n'
        'password_file = "/run/secrets/admin_password"\n'
    )
    stack.compose["configs"]["clients"] = {"file": "./clients.toml"}
    stack.compose["secrets"]["ada"] = {"file": "./secrets/ada"}
    service["configs"] = [{"source": "clients", "target": "/etc/deposit/stack.toml"}]
    service["secrets"] = [
        *service["secrets"][:-1],
        {"source": "ada", "target": "/run/secrets/admin_password"},
    ]
    stack._start_container("bootstrap", service, 2)


def _package(folder: Path) -> bytes:
    (folder / "letter.txt").write_text("Dear Charles\n")
    return Path(shutil.make_archive(str(folder / "letters"), "zip", folder, "letter.txt")).read_bytes()


def _until(question: Callable[[], bool], stack: Stack) -> None:
    deadline = time.monotonic() + 120
    while not question():
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {name}\n{stack.log(name)[-1500:]}" for name in stack.processes)
            raise AssertionError(logs)
        time.sleep(0.5)


def test_the_compose_file_is_yaml_that_engines_read() -> None:
    assert yaml.safe_load((CONTAINER / "compose.yaml").read_text())["name"] == "deposit"


def test_every_process_has_a_deployment_with_a_probe() -> None:
    documents = list(yaml.safe_load_all((REPOSITORY / "deploy" / "kubernetes" / "deposit.yaml").read_text()))
    deployments = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "Deployment"}
    assert set(deployments) == set(commands())
    for name, spec in deployments.items():
        [container] = spec["template"]["spec"]["containers"]
        assert (container["args"], "livenessProbe" in container) == ([name], True)
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
