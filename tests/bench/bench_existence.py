"""Whether an answer, or its time, tells that somebody else has something here.

    python -m tests.bench.bench_existence [TRIES_OF_EACH]

At every door a client asks for what is another client's and for what nobody has, in turn, TRIES_OF_EACH (1,000).
Both must be answered with the same status, headers and text, but for the number that was asked for.

Ratio of one run: the median time for what is another's over that for what nobody has; limit between 0.95 and 1.05.
"""

import http.client
import re
import statistics
import sys
import time
from contextlib import closing

import psycopg2

from tests.bench.bench_authentication import header
from tests.bench.bench_record import database_url
from tests.bench.service import Service, running
from tests.faults.depositing import form as multipart
from tests.support.samples import make_zip

# Of the same length as what there is.
NOBODYS_UPLOAD = "00000000-0000-4000-8000-000000000000"
NOBODYS_OBJECT = "0" * 40
_OWN = {"date", "x-request-id", "set-cookie"}
# What differs from answer to answer: moments, tokens of forms, identifiers made of what was asked for.
_OF_THIS_ANSWER = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|value=\"\w{64}\"|\b[0-9a-f]{40}\b")


class Connection:
    """A client that keeps its connection."""

    def __init__(self, service: Service, headers: dict[str, str]) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        self._headers = headers

    def renew(self) -> None:
        """Connect anew: the server has closed a connection on which nothing was asked for long."""
        self._http.close()

    def ask(
        self, method: str, path: str, body: bytes = b"", **more: str
    ) -> tuple[float, int, bytes, dict[str, str]]:
        """Seconds, status, text and headers."""
        named = self._headers | {name.replace("_", "-"): value for name, value in more.items()}
        began = time.perf_counter()
        self._http.request(method, path, body or None, named)
        answer = self._http.getresponse()
        data = answer.read()
        seconds = time.perf_counter() - began
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in _OWN}
        return seconds, answer.status, data, kept


def prepared(service: Service) -> dict[str, tuple[str, str]]:
    """What one client has, and the like that nobody has: its deposit, a package of it, an upload, a directory."""
    owner = Connection(service, header(service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"]))
    collection = service.demo["DEPOSIT_COLLECTION"]
    with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
        # Numbers that stand nowhere else in an answer.
        cursor.execute("SELECT setval(pg_get_serial_sequence('deposit_deposit', 'id'), 71234)")
        cursor.execute("SELECT setval(pg_get_serial_sequence('deposit_part', 'id'), 51234)")
        database.commit()
    for number in range(3):
        body = multipart(number, make_zip({"a/b/c": b"%d" % number}), "application/zip")
        body = body.replace(b"https://faults.example.org/", service.demo["DEPOSIT_PROVIDER_URL"].encode())
        kind = "multipart/form-data; boundary=B"
        answer = owner.ask("POST", f"/1/{collection}/", body, Content_Type=kind)
        if answer[1] != 201:
            raise SystemExit(answer[2].decode())
    begun = owner.ask(
        "POST",
        "/3/staging/",
        Content_Disposition=f"segment-init; size=5000000; segment_count=1; segment_size=5000000; "
        f"digest=SHA-256={'A' * 43}=",
    )
    if begun[1] != 201:
        raise SystemExit(begun[2].decode())
    upload = begun[3]["location"].rstrip("/").rpartition("/")[2]
    with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
        database.autocommit = True
        cursor.execute("SELECT max(id) FROM deposit_deposit")
        (deposit,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT max(id) FROM deposit_part WHERE deposit_id = %s", [deposit])
        (part,) = cursor.fetchone() or (0,)
        for _ in range(600):
            cursor.execute("SELECT swhid, origin_url FROM deposit_deposit WHERE id = %s", [deposit])
            swhid, origin = cursor.fetchone() or (None, None)
            if swhid:
                break
            time.sleep(0.1)
    if not swhid:
        raise SystemExit("The deposit was not loaded.")
    return {
        "D": (str(deposit), "9" * len(str(deposit))),
        "P": (str(part), "9" * len(str(part))),
        "U": (upload, NOBODYS_UPLOAD),
        "S": (swhid.rpartition(":")[2], NOBODYS_OBJECT),
        "O": (str(origin), "x" * len(str(origin))),
    }


def doors(collection: str) -> list[tuple[str, str, bytes]]:
    """Method, address and body; the capital letters in braces are what `prepared` names."""
    sword2 = [f"/1/{collection}/{{D}}/{name}/" for name in ("atom", "metadata", "media", "status", "content")]
    sword2 += [f"/1/{collection}/{{D}}/media/{{P}}/", f"/1/{collection}/{{D}}/statement.atom"]
    sword3 = [f"/3/object/{{D}}{name}/" for name in ("", "/metadata", "/files/{P}", "/metadata/entry")]
    pages = [f"/deposits/{{D}}/{name}" for name in ("", "parts/{P}/", "files/", "zip/", "citation.bib")]
    reads = [*sword2, *sword3, "/3/staging/{U}/", "/api/deposits/{D}/", "/api/deposits/{D}/events/", *pages]
    reads += ["/archive/deposit/{D}/sent/", "/archive/deposit/{D}/bag/"]
    reads += ["/archive/swh:1:dir:{S}/", "/archive/swh:1:dir:{S}/a/b", "/archive/origin/?url={O}"]
    action = b'{"action": "expire"}'
    return [
        *(("GET", path, b"") for path in reads),
        ("POST", f"/1/{collection}/{{D}}/metadata/", b""),
        ("DELETE", f"/1/{collection}/{{D}}/atom/", b""),
        ("DELETE", "/3/object/{D}/", b""),
        ("DELETE", "/3/staging/{U}/", b""),
        ("POST", "/api/deposits/{D}/actions/", action),
    ]


def logged_in(service: Service) -> dict[str, str]:
    """Headers of a browser in which the other client has logged in."""
    jar: dict[str, str] = {}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    for body in (None, "username={}&password={}&csrfmiddlewaretoken={}"):
        text = body and body.format(
            service.demo["DEPOSIT_OTHER_USER"], service.demo["DEPOSIT_OTHER_PASSWORD"], jar["csrftoken"]
        )
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST" if body else "GET", "/login/", text, sent)
        answer = connection.getresponse()
        answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            jar[name] = value
    if "sessionid" not in jar:
        raise SystemExit("The other client could not log in.")
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}


def compared(
    connection: Connection, door: tuple[str, str, bytes], things: dict[str, tuple[str, str]], tries: int
) -> float:
    """Ask at a door; prints and returns the ratio."""
    connection.renew()
    method, pattern, body = door
    kind = {"Content_Type": "application/json"} if body else {}
    times: tuple[list[float], list[float]] = ([], [])
    told: list[tuple[int, bytes, dict[str, str]]] = []
    for number in range(tries):
        for which in ((0, 1), (1, 0))[number % 2]:
            path = pattern.format(**{name: both[which] for name, both in things.items()})
            seconds, status, data, headers = connection.ask(method, path, body, **kind)
            times[which].append(seconds)
            if number == 0:
                for both in things.values():
                    data = data.replace(both[which].encode(), b"?")
                told.append((status, _OF_THIS_ANSWER.sub(b"", data), headers))
    foreign, missing = (statistics.median(each) * 1000 for each in times)
    same = "the same" if told[0] == told[1] else f"NOT the same: {told}"
    print(
        f"{method} {pattern}: {told[0][0]}, {same}; {foreign:.2f} ms another's, {missing:.2f} ms nobody's, "
        f"ratio {foreign / missing:.3f}",
        flush=True,
    )
    return foreign / missing


def main() -> None:
    """Ask at all doors."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with running() as service:
        things = prepared(service)
        named = header(service.demo["DEPOSIT_OTHER_USER"], service.demo["DEPOSIT_OTHER_PASSWORD"])
        machine, browser = Connection(service, named), Connection(service, logged_in(service))
        ratios = [
            compared(browser if door[1].startswith("/deposits/") else machine, door, things, tries)
            for door in doors(service.demo["DEPOSIT_COLLECTION"])
        ]
    print(
        f"{len(ratios)} doors, {tries} of each: ratios {min(ratios):.3f} to {max(ratios):.3f} (limit 0.95 to 1.05)"
    )


if __name__ == "__main__":
    main()
