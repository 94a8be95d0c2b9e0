"""A storage that speaks swh-storage's RPC and keeps what it is told, not the bytes; ``tests/interop`` has the real one.

It notes whatever points at something that it does not have: everything has to come from the ground up.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgpack


class Storage:
    """What came. ``faults``: HTTP statuses of the next answers; ``largest``: of a request, in bytes.
    ``lost_answers``: methods that are done once without an answer."""

    def __init__(self) -> None:
        self.contents: dict[bytes, dict[str, Any]] = {}
        self.skipped: set[bytes] = set()
        self.objects: dict[str, dict[bytes, dict[str, Any]]] = {
            "directory": {},
            "release": {},
            "snapshot": {},
        }
        self.visits: list[dict[str, Any]] = []
        self.statuses: dict[tuple[int, Any], dict[str, Any]] = {}
        self.documents: dict[bytes, dict[str, Any]] = {}
        self.origins: set[str] = set()
        self.known: set[str] = set()
        self.dangling: list[str] = []
        self.faults: list[int] = []
        self.lost_answers: list[str] = []
        self.calls: list[str] = []
        self.largest = 1 << 40
        self.url = ""

    def answer(self, method: str, given: dict[str, Any]) -> Any:
        """One call."""
        self.calls.append(method)
        name, _, verb = method.rpartition("/")
        if verb == "missing" and name in self.objects:
            (asked,) = given.values()
            return [each for each in asked if each not in self.objects[name]]
        if verb == "add" and name in self.objects:
            (new,) = given.values()
            for each in new:
                self._add(name, _fields(each))
            return {}
        return getattr(self, "_" + method.replace("/", "_"))(**given)

    def _add(self, name: str, one: dict[str, Any]) -> None:
        if name == "directory":
            for entry in one["entries"]:
                known = self.objects["directory"] if entry["type"] == "dir" else self.contents
                if entry["target"] not in known and entry["target"] not in self.skipped:
                    self.dangling.append(f"directory {one['id'].hex()}: {entry['name']!r}")
            one = {"id": one["id"]}
        elif name == "release" and one["target"] not in self.objects["directory"]:
            self.dangling.append(f"release {one['id'].hex()}")
        self.objects[name][one["id"]] = one

    def _content_missing_sha1_git(self, contents: list[bytes]) -> list[bytes]:
        return [each for each in contents if each not in self.contents]

    def _content_add(self, content: list[Any]) -> None:
        for each in map(_fields, content):
            data = each.pop("data")
            assert len(data) == each["length"]
            self.contents[each["sha1_git"]] = {}

    def _content_skipped_missing(self, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each for each in contents if each["sha1_git"] not in self.skipped]

    def _content_skipped_add(self, content: list[Any]) -> None:
        self.skipped |= {_fields(each)["sha1_git"] for each in content}

    def _snapshot(self, snapshot_id: bytes) -> Any:
        return self.objects["snapshot"].get(snapshot_id)

    def _origin_add_multi(self, origins: list[Any]) -> None:
        self.origins |= {_fields(each)["url"] for each in origins}

    def _origin_visit_find_by_date(self, origin: str, visit_date: Any, type: str) -> Any:
        of_origin = [each for each in self.visits if each["origin"] == origin and each["type"] == type]
        return min(of_origin, key=lambda each: abs(each["date"] - visit_date), default=None)

    def _origin_visit_add(self, visits: list[Any]) -> list[Any]:
        (visit,) = map(_fields, visits)
        self.visits.append({**visit, "visit": len(self.visits) + 1})
        return [{b"swhtype": "model", b"d": {**self.visits[-1], "__type__": "OriginVisit"}}]

    def _origin_visit_status_add(self, visit_statuses: list[Any]) -> None:
        for each in map(_fields, visit_statuses):
            if each["snapshot"] not in self.objects["snapshot"]:
                self.dangling.append(f"visit {each['visit']}")
            self.statuses[each["visit"], each["date"]] = each

    def _origin_visit_get_latest(self, origin: str, **wanted: Any) -> Any:
        return next((each for each in self.visits if each["origin"] == origin), None)

    def _metadata_authority_add(self, authorities: list[Any]) -> None:
        self.known |= {str({"type": each["type"], "url": each["url"]}) for each in map(_fields, authorities)}

    def _metadata_fetcher_add(self, fetchers: list[Any]) -> None:
        self.known |= {
            str({"name": each["name"], "version": each["version"]}) for each in map(_fields, fetchers)
        }

    def _raw_extrinsic_metadata_add(self, metadata: list[Any]) -> None:
        for each in map(_fields, metadata):
            # The real one refuses documents of unknown authorities and fetchers.
            if not {str(each["authority"]), str(each["fetcher"])} <= self.known:
                self.dangling.append(f"document {each['id'].hex()}")
        self.documents |= {each["id"]: each for each in map(_fields, metadata)}


def _fields(one: dict[Any, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = one[b"d"]
    return fields


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: Storage

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if self.storage.faults and (status := self.storage.faults.pop(0)) != 200:
            self._say(status, {"type": "Fault", "args": ["of the test"]})
        elif length > self.storage.largest:
            self._say(413, {})
        else:
            given = msgpack.unpackb(body, raw=False, strict_map_key=False, timestamp=3)
            method = self.path.strip("/")
            answer = self.storage.answer(method, given)
            if method in self.storage.lost_answers:
                self.storage.lost_answers.remove(method)
                self.close_connection = True
                return
            self._say(200, answer)

    def _say(self, status: int, value: Any) -> None:
        data = msgpack.packb(value, use_bin_type=True, datetime=True)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-msgpack")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None: ...


@contextmanager
def storage_server() -> Iterator[Storage]:
    """An empty storage at its ``url``."""
    storage = Storage()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"storage": storage}))
    storage.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
