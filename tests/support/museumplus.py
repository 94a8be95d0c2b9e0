"""A MuseumPlus over HTTP, for tests: objects and attachments in memory, and the troubles that the real one gives.

Holds what is put into it, or serves a large collection that it makes up as it is asked. Knobs: slow answers, answers
of 403 and 503, bodies that end early, truncated documents, session keys that end.
"""

import base64
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lxml import etree

PATH = "/ria-ws/application"
NAMESPACE = "http://www.zetcom.com/ria/ws/module"
_Z = f"{{{NAMESPACE}}}"
USERNAME, PASSWORD = "museum", "secret"
_ITEM = re.compile(r"<moduleItem\b.*</moduleItem>", re.DOTALL)


@dataclass
class Entry:
    """One module item: its XML (``<moduleItem …>…</moduleItem>``, without a namespace declaration)."""

    xml: str
    attachment: bytes | None = None
    exports: dict[str, bytes] = field(default_factory=dict)

    @property
    def modified(self) -> str:
        found = re.search(r'name="__lastModified">\s*<value>([^<]*)<', self.xml)
        return found[1] if found else ""


@dataclass
class Knobs:
    """What goes wrong; all may be set while the server runs."""

    delay: float = 0.0
    statuses: list[int] = field(default_factory=list)
    """Answered to the next requests, one each, instead of what was asked for."""
    cut_next: int = 0
    """So many of the next bodies end early."""
    truncated: set[int] = field(default_factory=set)
    """Objects of which only the system fields are sent."""
    down: bool = False


class MuseumPlus:
    """The collection and the server's state."""

    def __init__(self) -> None:
        self.modules: dict[str, dict[int, Entry]] = {"Object": {}, "Multimedia": {}, "CollectionActivity": {}}
        self.made_up: Callable[[str, int], str] | None = None
        self.size = 0
        """With ``made_up``: how many objects there are, numbered from 1; the function gives their XML."""
        self.knobs = Knobs()
        self.keys: set[str] = set()
        self.requests: Counter[str] = Counter()
        self.searches: list[bytes] = []
        self.most_at_once = 0
        self.open_connections = self.most_connections = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self.url = ""

    def add_object(self, number: int, **about: object) -> None:
        """Put an object into the collection; see :func:`object_xml`."""
        lido = about.pop("lido", LIDO)
        assert isinstance(lido, bytes)
        self.modules["Object"][number] = Entry(object_xml(number, **about), exports={"45005": lido})  # type: ignore[arg-type]

    def add_multimedia(self, number: int, *, attachment: bytes | None = None, **about: object) -> None:
        """Put a Multimedia into the collection; see :func:`multimedia_xml`."""
        self.modules["Multimedia"][number] = Entry(multimedia_xml(number, **about), attachment)  # type: ignore[arg-type]

    def field_of(self, number: int, name: str) -> str | None:
        """The value of an object's field."""
        root = etree.fromstring(document("Object", [self.modules["Object"][number].xml]))
        found = root.find(f".//*[@name='{name}']/{_Z}value")
        return None if found is None else found.text

    def page(self, module: str, offset: int, limit: int, since: str | None) -> list[str]:
        """Items by id, changed at ``since`` or later, or undated."""
        if self.made_up is not None and module == "Object":
            return [self.made_up(module, n) for n in range(offset + 1, min(offset + limit, self.size) + 1)]
        entries = sorted(self.modules[module].items())
        chosen = [e.xml for _, e in entries if not since or not e.modified or e.modified >= since]
        return chosen[offset : offset + limit]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Notes how many requests are under way at once."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Notes how many connections are open at once, used or not."""
        with self._lock:
            self.open_connections += 1
            self.most_connections = max(self.most_connections, self.open_connections)
        try:
            yield
        finally:
            with self._lock:
                self.open_connections -= 1

    def next_status(self) -> int | None:
        with self._lock:
            return self.knobs.statuses.pop(0) if self.knobs.statuses else None

    def cuts(self) -> bool:
        with self._lock:
            self.knobs.cut_next -= 1
            return self.knobs.cut_next >= 0


@contextmanager
def museumplus() -> Iterator[MuseumPlus]:
    """A running MuseumPlus with an empty collection; ``url`` says where."""
    collection = MuseumPlus()

    class Handler(_Handler):
        museum = collection

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collection.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield collection
    finally:
        server.shutdown()
        server.server_close()


def load_samples(museum: MuseumPlus, folder: Path) -> list[int]:
    """Put Passari's sample objects into the collection, with ids and links mended; return the objects' ids.

    ``folder`` is its ``museumplus_mock/module``. The records share one inner id, and all attachments one object.
    """
    owners: dict[str, str] = {}
    numbers = sorted(int(path.stem) for path in (folder / "Object").glob("*.xml"))
    for number in numbers:
        xml = _mended(_ITEM.findall((folder / "Object" / f"{number}.xml").read_text("utf-8"))[0], number)
        for linked in re.findall(r'moduleItemId="(\d{10})"', xml):
            owners.setdefault(linked, str(number))
        lido = folder / "Object" / str(number) / "export" / "45005.xml"
        exports = {"45005": lido.read_bytes()} if lido.exists() else {}
        museum.modules["Object"][number] = Entry(xml, exports=exports)
    for module in ("Multimedia", "CollectionActivity"):
        for path in (folder / module).glob("*.xml"):
            xml = _mended(_ITEM.findall(path.read_text("utf-8"))[0], int(path.stem))
            xml = re.sub(r'moduleItemId="\d+"', f'moduleItemId="{owners.get(path.stem, path.stem[:7])}"', xml)
            attachment = folder / module / path.stem / "attachment"
            content = attachment.read_bytes() if attachment.exists() else None
            museum.modules[module][int(path.stem)] = Entry(xml, content)
    return numbers


def _mended(xml: str, number: int) -> str:
    xml = re.sub(r'(name="__id">\s*<value>)\d+', rf"\g<1>{number}", xml)
    return re.sub(r'(<moduleItem [^>]*\bid=")\d+', rf"\g<1>{number}", xml)


def object_xml(
    number: int,
    *,
    title: str = "A spoon",
    modified: str | None = "2019-01-02 02:10:57.171",
    created: str | None = "1970-01-01 00:00:00.0",
    multimedia: tuple[int, ...] = (),
    activities: tuple[int, ...] = (),
    created_user: str = "",
    extra: str = "",
) -> str:
    """An object as MuseumPlus writes it, with the fields that matter."""
    return (
        f'<moduleItem hasAttachments="false" id="{number}">{_system(number, modified, created, created_user)}'
        f'<dataField dataType="Varchar" name="ObjObjectTitleTxt"><value>{title}</value></dataField>'
        f'<virtualField name="ObjObjectVrt"><value>{title}, {number}</value></virtualField>{extra}'
        f"{_links('ObjMultimediaRef', 'Multimedia', multimedia)}"
        f"{_links('ObjCollectionActivityRef', 'CollectionActivity', activities)}</moduleItem>"
    )


def multimedia_xml(
    number: int,
    *,
    filename: str | None = None,
    modified: str | None = "2019-01-02 06:10:50.293",
    created: str | None = "1970-01-01 00:00:00.0",
    objects: tuple[int, ...] = (),
    created_user: str = "",
) -> str:
    """A Multimedia as MuseumPlus writes it."""
    name = (
        ""
        if filename is None
        else f'<dataField dataType="Varchar" name="MulOriginalFileTxt"><value>{filename}</value></dataField>'
    )
    return (
        f'<moduleItem hasAttachments="true" id="{number}">{_system(number, modified, created, created_user)}{name}'
        f'<composite name="MulReferencesCre"><compositeItem seqNo="0">{_links("MulObjectRef", "Object", objects)}'
        "</compositeItem></composite></moduleItem>"
    )


def _system(number: int, modified: str | None, created: str | None, user: str) -> str:
    dates = {"__lastModified": modified, "__created": created}
    return (
        f'<systemField dataType="Long" name="__id"><value>{number}</value></systemField>'
        '<systemField dataType="Varchar" name="__lastModifiedUser"><value>someone</value></systemField>'
        f'<systemField dataType="Varchar" name="__createdUser"><value>{user}</value></systemField>'
        + "".join(
            f'<systemField dataType="Timestamp" name="{name}"><value>{date}</value></systemField>'
            for name, date in dates.items()
            if date is not None
        )
    )


def _links(name: str, module: str, numbers: tuple[int, ...]) -> str:
    if not numbers:
        return ""
    linked = "".join(f'<moduleReferenceItem moduleItemId="{number}"/>' for number in numbers)
    return f'<moduleReference name="{name}" targetModule="{module}" size="{len(numbers)}">{linked}</moduleReference>'


def document(module: str, xml: list[str]) -> bytes:
    body = "".join(xml)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="{NAMESPACE}"><modules>'
        f'<module name="{module}" totalSize="{len(xml)}">{body}</module></modules></application>'
    ).encode()


class _Handler(BaseHTTPRequestHandler):
    museum: MuseumPlus
    protocol_version = "HTTP/1.1"
    # Small answers must not wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *arguments: object) -> None:
        pass

    def handle(self) -> None:
        with self.museum.connected(), suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._search)

    def do_PUT(self) -> None:
        self._answer(self._set_field)

    def _answer(self, act: Callable[[list[str], bytes], tuple[int, bytes]]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self.path.removeprefix(PATH).strip("/").split("/")
        with self.museum.counted():
            self.museum.requests[" ".join([self.command, *parts[:2]])] += 1
            time.sleep(self.museum.knobs.delay)
            status = 503 if self.museum.knobs.down else self.museum.next_status() or self._refusal(parts)
            answer = (status, b"") if status else act(parts, body)
            self._send(*answer)

    def _refusal(self, parts: list[str]) -> int | None:
        given = base64.b64decode((self.headers.get("Authorization") or "").removeprefix("Basic ")).decode()
        if parts == ["session"]:
            return None if given == f"user[{USERNAME}]:password[{PASSWORD}]" else 403
        key = given.removeprefix(f"user[{USERNAME}]:session[").removesuffix("]")
        return None if key in self.museum.keys else 403

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Disposition", "attachment;filename=file.bin")
        self.end_headers()
        if body and self.museum.cuts():
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _get(self, parts: list[str], body: bytes) -> tuple[int, bytes]:
        if parts == ["session"]:
            key = f"key{len(self.museum.keys)}{time.time_ns()}"
            self.museum.keys.add(key)
            namespace = "http://www.zetcom.com/ria/ws/session"
            return 200, (
                f'<application xmlns="{namespace}"><session><key>{key}</key></session></application>'.encode()
            )
        _, module, number, *rest = parts
        entry = self.museum.modules[module].get(int(number))
        if entry is None:
            return 404, b""
        if rest == ["attachment"]:
            return (404, b"") if entry.attachment is None else (200, entry.attachment)
        if rest:
            return (200, entry.exports[rest[1]]) if rest[1] in entry.exports else (404, b"")
        xml = entry.xml
        if int(number) in self.museum.knobs.truncated:
            xml = f'<moduleItem id="{number}">{_system(int(number), None, None, "")}</moduleItem>'
        return 200, document(module, [xml])

    def _search(self, parts: list[str], body: bytes) -> tuple[int, bytes]:
        self.museum.searches.append(body)
        search = etree.fromstring(body).find(".//{*}search")
        assert search is not None
        filtered = search.find(".//{*}greaterEquals")
        since = None if filtered is None else str(filtered.get("operand")).replace("T", " ")[:19]
        page = self.museum.page(
            parts[1], int(str(search.get("offset"))), int(str(search.get("limit"))), since
        )
        return 200, document(parts[1], page)

    def _set_field(self, parts: list[str], body: bytes) -> tuple[int, bytes]:
        entry = self.museum.modules["Object"][int(parts[2])]
        item = etree.fromstring(document("Object", [entry.xml])).find(f".//{_Z}moduleItem")
        sent = etree.fromstring(body).find(f".//{_Z}moduleItem")
        assert item is not None
        assert sent is not None
        for old in item.findall(f"*[@name='{parts[3]}']"):
            item.remove(old)
        item.append(sent[0])
        entry.xml = etree.tostring(item, encoding="unicode").replace(f' xmlns="{NAMESPACE}"', "")
        return 200, b""


LIDO = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<lido:lidoWrap xmlns:lido="http://www.lido-schema.org"><lido:lido><lido:lidoRecID lido:type="ITEM">1'
    b'</lido:lidoRecID><lido:descriptiveMetadata xml:lang="en"><lido:objectClassificationWrap>'
    b"<lido:objectWorkTypeWrap><lido:objectWorkType><lido:term>artefact</lido:term></lido:objectWorkType>"
    b"</lido:objectWorkTypeWrap></lido:objectClassificationWrap><lido:objectIdentificationWrap><lido:titleWrap>"
    b"<lido:titleSet><lido:appellationValue>spoon</lido:appellationValue></lido:titleSet></lido:titleWrap>"
    b'</lido:objectIdentificationWrap></lido:descriptiveMetadata><lido:administrativeMetadata xml:lang="en">'
    b'<lido:recordWrap><lido:recordID lido:type="local">1</lido:recordID><lido:recordType><lido:term>item'
    b"</lido:term></lido:recordType><lido:recordSource><lido:legalBodyName><lido:appellationValue>Museum"
    b"</lido:appellationValue></lido:legalBodyName></lido:recordSource></lido:recordWrap>"
    b"</lido:administrativeMetadata></lido:lido></lido:lidoWrap>"
)
