"""The gunicorn that the worker is built upon is the one that was read; see docs/explanation/connections.md."""

import hashlib
import importlib
import inspect

import gunicorn
import pytest

# The SHA-256 of each module's source, in the version that requirements.txt pins.
VERSION = "27.0.1"
READ = {
    "gunicorn.http.body": "c46c000fc93b6be5299249febba76b9998b9a940696b8962f72d335097628d3a",
    "gunicorn.http.parser": "618c7c5a229709e51a95c4794d4a7f112016a5f53d2ecfe8f2dd6205aeb591dd",
    "gunicorn.http.unreader": "a28537df77eb34f0ab56e83fc07f21c6f5a3bd1ad0181bb44246817b75530d21",
    "gunicorn.workers.gthread": "2aa395873b3e9084dc99c580f890843b6554b53e930258344c0e4cde3a16bdeb",
}
# What server/worker.py overrides or calls.
USED = (
    "init_process",
    "accept",
    "enqueue_req",
    "handle_request",
    "_keepalive_after",
    "finish_request",
    "murder_pending",
    "_cap_keepalive",
)


def test_the_pinned_version_is_the_one_that_was_read() -> None:
    assert gunicorn.__version__ == VERSION


@pytest.mark.parametrize("module", READ)
def test_what_the_worker_is_built_upon_has_not_changed(module: str) -> None:
    source = inspect.getsource(importlib.import_module(module))
    assert hashlib.sha256(source.encode()).hexdigest() == READ[module], module


@pytest.mark.parametrize("name", USED)
def test_what_the_worker_overrides_is_there(name: str) -> None:
    assert callable(getattr(importlib.import_module("gunicorn.workers.gthread").ThreadWorker, name))
