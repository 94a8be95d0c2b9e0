"""What is wrong with an address is said."""

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.addresses import name_of, tidy
from client.errors import UsageError
from tests.client.conftest import Run, free_port

GOOD = {
    "https://deposit.example.org/1/": "https://deposit.example.org/1/",
    "https://deposit.example.org/1": "https://deposit.example.org/1/",
    " deposit.example.org/1/ ": "https://deposit.example.org/1/",
    "localhost:8000/1": "http://localhost:8000/1/",
    "127.0.0.1:8000": "http://127.0.0.1:8000/",
}
BAD = {
    "": "No address",
    "ftp://deposit.example.org/": "begins with ftp",
    "https://deposit example.org/1/": "a space",
    "https://": "names no server",
    "https:///1/": "names no server",
    "https://deposit.example.org:port/1/": "its port is no number",
    "https://deposit.example.org:99999/1/": "its port is no number",
    "https://ada:secret@deposit.example.org/1/": "a name or password",
    "https://deposit.example.org/1/?page=2": "a ? or #",
}


@pytest.mark.parametrize(("typed", "meant"), GOOD.items())
def test_an_address_is_what_is_meant(typed: str, meant: str) -> None:
    assert tidy(typed) == meant


@pytest.mark.parametrize(("typed", "words"), BAD.items())
def test_what_is_no_address_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as refused:
        tidy(typed)
    assert refused.value.hint
    assert "secret" not in refused.value.summary


def test_servers_are_known_by_address_and_port() -> None:
    assert name_of("https://deposit.example.org/1/") == "deposit.example.org"
    assert name_of("http://localhost:8000/1/") != name_of("http://localhost:8001/1/")


class _WebSite(http.server.BaseHTTPRequestHandler):
    """Any web site."""

    def do_GET(self) -> None:
        body = b"<!DOCTYPE html><html><title>Welcome</title></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def web_site() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _WebSite)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


LOGIN = ("login", "-u", "ada", "--password-stdin", "--no-keyring")


def test_login_says_that_a_web_site_is_no_deposit_server(run: Run, web_site: str) -> None:
    outcome = run(*LOGIN, "--url", web_site, stdin="secret\n")
    assert outcome.code == 5
    assert "There is no deposit server at http://127.0.0.1" in outcome.err
    assert "a web page" in outcome.err


def test_login_says_that_http_is_spoken_where_https_was_typed(run: Run, web_site: str) -> None:
    outcome = run(*LOGIN, "--url", f"https://{web_site}/1/", stdin="secret\n")
    assert outcome.code == 6
    assert f"{web_site} does not speak https there." in outcome.err
    assert f"http://{web_site}/1/" in outcome.err
    # That is certain: nothing is tried again.
    assert "Trying again" not in outcome.err


def test_login_says_that_nobody_listens(run: Run) -> None:
    port = free_port()
    outcome = run(*LOGIN, "--url", f"http://127.0.0.1:{port}/1/", stdin="secret\n")
    assert (outcome.code, f"nobody listens at 127.0.0.1:{port}" in outcome.err) == (6, True)


def test_errors_are_json_where_json_was_asked_for(run: Run, tmp_path: Path) -> None:
    wrong = run(*LOGIN, "--url", "ftp://x", "--json", stdin="secret\n")
    assert (wrong.code, wrong.json["error"]["exit_code"], wrong.err) == (2, 2, "")
    assert "begins with ftp" in wrong.json["error"]["summary"]
    nothing = run("status", "--json", DEPOSIT_BASE_URL="https://deposit.example.org/1/")
    assert (nothing.code, "DEPOSIT_ID" in nothing.json["error"]["summary"]) == (2, True)
    unknown = run("list", "--json", "--status", "lost", DEPOSIT_BASE_URL="https://deposit.example.org/1/")
    assert (unknown.code, "'lost' is not one of" in unknown.json["error"]["summary"]) == (2, True)


def test_the_shell_completes_servers_and_collections(run: Run, tmp_path: Path) -> None:
    from client.cli.options import complete_collection, complete_server  # noqa: PLC0415
    from client.configuration import Account, save  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPOSIT_CONFIG", str(tmp_path / "config.toml"))
        save("localhost:8000", Account(url="http://localhost:8000/1/", collections="hal,maps"), keyring=False)
        save("there", Account(url="https://there.example.org/1/", collections="other"), keyring=False)
        import click  # noqa: PLC0415

        context = click.Context(click.Command("list"))
        context.params = {"server": "localhost:8000"}
        parameter = click.Option(["--server"])
        assert complete_server(context, parameter, "l") == ["localhost:8000"]
        assert complete_collection(context, parameter, "") == ["hal", "maps"]
        context.params = {}
        assert complete_collection(context, parameter, "") == ["hal", "maps", "other"]
