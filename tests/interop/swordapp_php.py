"""The requests of swordapp's PHP library (swordappv2-php-library), byte for byte, from a plain socket.

The library is not in any package index, so it is not run: what it and its curl write on the wire is written here, with
its order of headers, its ``X-On-Behalf-Of`` on reads, its requests without In-Progress, its 100-continue, and its
multipart: text before the first part, an entry that ends in a bare LF before the delimiter, and base64.
"""

import base64
import hashlib
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

BOUNDARY = "===============SWORDPARTS=="
SIMPLE_ZIP = "http://purl.org/net/sword/package/SimpleZip"
_USER_AGENT = "User-Agent: SWORDAPP PHP v2 library (version 0.1) http://php.swordapp.org/"


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def entry_of(title: str, author: str) -> bytes:
    """An entry as the library's packager writes it."""
    return (
        '<?xml version="1.0"?>\n'
        '<entry xmlns="http://www.w3.org/2005/Atom" xmlns:dcterms="http://purl.org/dc/terms/">\n'
        f"\t<title>{title}</title>\n"
        f"\t<author><name>{author}</name></author>\n"
        f"\t<dcterms:abstract>About {title}</dcterms:abstract>\n"
        "</entry>\n"
    ).encode()


def multipart_of(entry: bytes, package: bytes) -> bytes:
    """A multipart file as ``PackagerAtomMultipart::create`` writes it."""
    encoded = base64.b64encode(package)
    lines = b"".join(encoded[at : at + 76] + b"\r\n" for at in range(0, len(encoded), 76))
    md5 = hashlib.md5(package, usedforsecurity=False).hexdigest()
    return (
        "\r\nMedia Post\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: application/atom+xml\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Disposition: attachment; name="atom"\r\n'
        "\r\n"
        f"{entry.decode()}"
        f"--{BOUNDARY}\r\n"
        "Content-Type: application/zip\r\n"
        f"Content-MD5: {md5}\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Disposition: attachment; name="payload"; filename="package.zip"\r\n'
        f"Packaging: {SIMPLE_ZIP}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + lines + f"--{BOUNDARY}--\r\n".encode()  # fmt: skip


class SwordappPhp:
    """``SWORDAPPClient``, with a user and a password."""

    def __init__(self, user: str, password: str, on_behalf_of: str = "") -> None:
        self._token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._owner = on_behalf_of

    def get(self, url: str, accept_packaging: str = "") -> Answer:
        """``servicedocument``, ``retrieveContent``, ``retrieveDepositReceipt``, and the statements."""
        headers = [_USER_AGENT]
        headers += [f"X-On-Behalf-Of: {self._owner}"] if self._owner else []
        headers += [f"Accept-Packaging: {accept_packaging}"] if accept_packaging else []
        return self._send("GET", url, headers)

    def deposit(self, url: str, data: bytes, name: str, *, packaging: str, in_progress: bool) -> Answer:
        """``deposit`` and ``addExtraPackage``."""
        return self._send(
            "POST",
            url,
            [
                _USER_AGENT,
                f"Content-MD5: {hashlib.md5(data, usedforsecurity=False).hexdigest()}",
                *([f"Packaging: {packaging}"] if packaging else []),
                "Content-Type: application/zip",
                f"Content-Length: {len(data)}",
                _in_progress(in_progress),
                f"Content-Disposition: attachment; filename={name}",
                "Expect: 100-continue",
            ],
            data,
        )

    def deposit_multipart(self, url: str, body: bytes, *, method: str = "POST", in_progress: bool) -> Answer:
        """``depositMultipart``, ``addExtraMultipartPackage``, ``replaceMetadataAndFile``."""
        kind = f'Content-Type: multipart/related; boundary="{BOUNDARY}"; type="application/atom+xml"'
        headers = [_in_progress(in_progress), kind, f"Content-Length: {len(body)}", "Expect: 100-continue"]
        return self._send(method, url, headers, body)

    def deposit_entry(self, url: str, entry: bytes, *, method: str = "POST", in_progress: bool) -> Answer:
        """``depositAtomEntry``, ``addExtraAtomEntry``, ``replaceMetadata``."""
        kind = "Content-Type: application/atom+xml;type=entry"
        headers = [_USER_AGENT, kind, _in_progress(in_progress), f"Content-Length: {len(entry)}"]
        return self._send(method, url, headers, entry)

    def replace_file(self, url: str, data: bytes, name: str) -> Answer:
        """``replaceFileContent``: says nothing of In-Progress."""
        return self._send("PUT", url, self._of_file(data, name), data)

    def add_file(self, url: str, data: bytes, name: str) -> Answer:
        """``addExtraFileToMediaResource``: says nothing of In-Progress either."""
        return self._send("POST", url, self._of_file(data, name), data)

    def complete(self, url: str) -> Answer:
        """``completeIncompleteDeposit``: curl calls the empty body of a POST a form."""
        form = "Content-Type: application/x-www-form-urlencoded"
        return self._send("POST", url, [_USER_AGENT, "Content-Length: 0", "In-Progress: false", form])

    def delete(self, url: str) -> Answer:
        """``deleteResourceContent`` and ``deleteContainer``."""
        return self._send("DELETE", url, [_USER_AGENT])

    def _of_file(self, data: bytes, name: str) -> list[str]:
        return [
            _USER_AGENT,
            f"Content-MD5: {hashlib.md5(data, usedforsecurity=False).hexdigest()}",
            "Content-Type: application/zip",
            "Metadata-Relevant: false",
            f"Content-Length: {len(data)}",
            f"Content-Disposition: attachment; filename={name}",
        ]

    def _send(self, method: str, url: str, headers: list[str], body: bytes = b"") -> Answer:
        where = urlsplit(url)
        head = [
            f"{method} {where.path} HTTP/1.1",
            f"Host: {where.netloc}",
            f"Authorization: Basic {self._token}",
            "Accept: */*",
            *headers,
        ]
        with socket.create_connection((where.hostname or "", where.port or 80), timeout=60) as line:
            line.sendall("".join(f"{each}\r\n" for each in (*head, "")).encode())
            if "Expect: 100-continue" in headers:
                first = _read_head(line)
                if first.status != 100:
                    return _read_body(line, first)
            line.sendall(body)
            return _read_body(line, _read_head(line))


def _in_progress(value: bool) -> str:
    return f"In-Progress: {'true' if value else 'false'}"


def _read_head(line: socket.socket) -> Answer:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = line.recv(1)
        assert piece, head
        head += piece
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    pairs = (each.partition(":") for each in rest)
    return Answer(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, b"")


def _read_body(line: socket.socket, head: Answer) -> Answer:
    left, pieces = int(head.headers.get("content-length", "0")), []
    while left > 0 and (piece := line.recv(min(left, 1 << 16))):
        pieces.append(piece)
        left -= len(piece)
    return Answer(head.status, head.headers, b"".join(pieces))
