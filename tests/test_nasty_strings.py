"""Every text field of every door takes every nasty string: it is refused or kept, never a fault of ours.

And whatever was kept, every page and document that shows it can be read afterwards.
"""

# The lambdas here keep the loops' values as defaults, which mypy does not infer.
# mypy: disable-error-code="misc"

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import CharField, TextField
from django.test import Client as Browser

from dashboard.forms import DescriptionForm
from deposit.models import Client, Collection, Deposit, Part, Status
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.lifecycle_fixtures import in_status
from tests.support.nasty_strings import NASTY, for_field
from tests.support.samples import atom_entry, make_zip
from tests.support.wsgi import connection_kept
from tests.test_every_address import ALL

pytestmark = pytest.mark.django_db

# A request with a text in one of its fields; the answer.
Ask = Callable[[str], Any]
ZIP = make_zip({"a": b"1"})


class Doors:
    """A depositor and an administrator at every door, with a deposit to speak of."""

    def __init__(self) -> None:
        self.client = new_client(new_collection("hal"), username="ada")
        self.deposit = in_status(Status.PARTIAL)
        Deposit.objects.filter(pk=self.deposit.pk).update(
            client=self.client, collection=self.client.collections.get()
        )
        self.root = User.objects.create_superuser("root", password=PASSWORD)
        self.program = Browser(raise_request_exception=False, headers={"Authorization": basic("ada")})
        self.operator = Browser(raise_request_exception=False, headers={"Authorization": basic("root")})
        self.browser = Browser(raise_request_exception=False)
        self.browser.force_login(self.client.user)
        self.administrator = Browser(raise_request_exception=False)
        self.administrator.force_login(self.root)


@pytest.fixture
def doors(settings: Any) -> Doors:
    settings.BY_REFERENCE_HOSTS = ["a.example"]
    return Doors()


def escaped(text: str) -> str:
    """As a URL has it: bytes that are no character as they are."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def query(text: str, name: str) -> str:
    return f"{name}={escaped(text)}"


def header(text: str) -> str:
    """What of a text can be a header: our server refuses the others before we see them."""
    sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return "".join(one for one in sent if one == "\t" or one >= " ")


def fields_of_paths(doors: Doors) -> Iterator[tuple[str, Ask]]:
    for prefix, suffix in (
        ("/1/", "/"),
        ("/1/hal/1/statement.", ""),
        ("/3/service/", "/"),
        ("/3/staging/", ""),
        ("/api/", "/"),
        ("/api/deposits/", "/"),
        ("/archive/", "/"),
        (f"/archive/swh:1:dir:{'0' * 40}/", ""),
        (f"/deposits/{doors.deposit.pk}/files/", ""),
        ("/badge/", ".svg"),
        ("/admin/", "/"),
        ("/admin/deposit/deposit/", "/change/"),
        ("/static/", ""),
        ("/", ""),
    ):
        browser = (
            doors.administrator if prefix in ("/", "/admin/", "/admin/deposit/deposit/") else doors.program
        )
        yield (
            f"path {prefix}",
            lambda text, prefix=prefix, suffix=suffix, browser=browser: browser.get(
                prefix + escaped(text) + suffix
            ),
        )
    yield "path of a POST", lambda text: doors.program.post(f"/1/{escaped(text)}/")
    yield "path of a PUT", lambda text: doors.program.put(f"/3/service/{escaped(text)}")


QUERIES = {
    "/1/hal/": ("page", "page_size", "status"),
    "/api/deposits/": (
        "q",
        "status",
        "type",
        "collection",
        "client",
        "since",
        "until",
        "cursor",
        "page_size",
        "format",
    ),
    "/api/collections/": ("cursor", "page_size"),
    "/api/packages/": ("q", "sha256", "cursor", "name"),
    "/api/deliveries/": ("cursor", "status", "destination", "deposit"),
    "/api/statistics/figures/": ("by", "since", "until", "collection", "client"),
    "/archive/origin/": ("url",),
    "/archive/deposit/1/bag/": ("format",),
    "/deposits/": ("q", "status", "type", "collection", "client", "since", "until", "before", "after", "id"),
    "/deposits.csv": ("q", "since", "until"),
    "/deposits/action/": ("action", "scope", "id"),
    "/figures/": ("days", "collection", "client"),
    "/figures.csv": ("days", "collection", "client", "by"),
    "/stored/": ("q",),
    "/origin/": ("origin",),
    "/upload/": ("like",),
    "/login/": ("next",),
    "/identity/logged-in/": ("state", "code"),
}


def fields_of_queries(doors: Doors) -> Iterator[tuple[str, Ask]]:
    for path, names in QUERIES.items():
        programs = path.startswith(("/1/", "/api/", "/archive/"))
        browser = (
            doors.program if path.startswith("/1/") else doors.operator if programs else doors.administrator
        )
        browser = doors.browser if path == "/upload/" else browser
        for name in names:
            yield (
                f"query {path}?{name}",
                lambda text, path=path, name=name, browser=browser: browser.get(
                    f"{path}?{query(text, name)}"
                ),
            )


HEADERS = (
    "Accept",
    "Accept-Language",
    "Accept-Packaging",
    "Authorization",
    "Content-Disposition",
    "Content-MD5",
    "Cookie",
    "Digest",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "In-Progress",
    "Metadata-Format",
    "On-Behalf-Of",
    "Packaging",
    "Range",
    "Slug",
    "X-Check-SWHID",
    "X-Forwarded-For",
)
DISPOSITIONS = (
    "attachment; filename={}",
    'attachment; filename="{}"',
    "attachment; filename*=UTF-8''{}",
    "attachment; filename*=raw_unicode_escape''a\\ud800{}",
    "segment-init; size={}; segment_count=1; segment_size=1; digest=SHA-256=x",
)
ZIP_HEADERS = {
    "Content-Disposition": "attachment; filename=a.zip",
    "In-Progress": "true",
    "Digest": "SHA-256=" + base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
}


def fields_of_headers(doors: Doors) -> Iterator[tuple[str, Ask]]:
    def send(path: str, kind: str, **given: str) -> Any:
        headers = ZIP_HEADERS | {name.replace("_", "-"): value for name, value in given.items()}
        return doors.program.generic("POST", path, ZIP, content_type=kind, headers=headers)

    # Each header at two of the doors for changes, and at one of those for reading.
    for number, path in enumerate(("/1/hal/", "/3/service/hal", "/3/staging", "/api/archive/known/")):
        for name in HEADERS[number % 2 :: 2]:
            yield (
                f"header {name} of {path}",
                lambda text, path=path, name=name: send(
                    path, "application/zip", **{name.replace("-", "_"): header(text)}
                ),
            )
        for form in DISPOSITIONS:
            yield (
                f"header {form} of {path}",
                lambda text, path=path, form=form: send(
                    path, "application/zip", Content_Disposition=form.format(header(text))
                ),
            )
            yield (
                f"header {form} of {path}, escaped",
                lambda text, path=path, form=form: send(
                    path, "application/zip", Content_Disposition=form.format(escaped(text))
                ),
            )
        for kind in ("{}", "application/zip; charset={}", "a/{}", "application/json; charset={}"):
            yield (
                f"type {kind} of {path}",
                lambda text, path=path, kind=kind: send(
                    path,
                    kind.format(header(text)),
                    Packaging="http://purl.org/net/sword/package/Binary" if path[1] == "1" else "",
                ),
            )
        yield f"Slug of {path}", lambda text, path=path: send(path, "application/zip", Slug=escaped(text))
    reading = ("/api/deposits/", "/archive/origin/?url=x", "/static/dashboard/icon.svg", "/1/hal/")
    for number, path in enumerate(reading):
        for name in HEADERS[number :: len(reading)]:
            yield (
                f"header {name} of GET {path}",
                lambda text, path=path, name=name: doors.program.get(path, headers={name: header(text)}),
            )


def fields_of_json(doors: Doors) -> Iterator[tuple[str, Ask]]:
    number = doors.deposit.pk

    def post(path: str, document: Any, who: Browser | None = None, **headers: str) -> Any:
        data = json.dumps(document).encode()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (who or doors.program).generic(
            "POST",
            path,
            data,
            content_type="application/json",
            headers=named | {"Digest": f"SHA-256={digest}", "In-Progress": "true"},
        )

    yield (
        "action",
        lambda text: post(f"/api/deposits/{number}/actions/", {"action": text}, doors.operator),
    )
    yield "name", lambda text: post(f"/api/deposits/{number}/actions/", {text: text}, doors.operator)
    yield "swhids", lambda text: post("/api/archive/known/", {"swhids": [text]})
    yield "a bare string", lambda text: post("/api/archive/known/", text)
    metadata = "attachment; metadata=true"
    for term in (
        "dc:title",
        "dc:creator",
        "dcterms:contributor",
        "dcterms:abstract",
        "unknown:term",
        "@id",
        "@type",
        "@context",
    ):
        fields = {"dc:title": "A", "dc:creator": "B"}
        yield (
            f"metadata {term}",
            lambda text, term=term, fields=fields: post(
                "/3/service/hal", fields | {term: text}, Content_Disposition=metadata
            ),
        )
    yield (
        "metadata key",
        lambda text: post("/3/service/hal", {"dc:title": "A", text: text}, Content_Disposition=metadata),
    )
    elsewhere = {
        "@id": "https://a.example/a.zip",
        "contentType": "application/zip",
        "contentLength": 1,
        "contentDisposition": "attachment; filename=a.zip",
        "packaging": "http://purl.org/net/sword/3.0/package/SimpleZip",
        "digest": "SHA-256=" + "0" * 64,
    }
    for name in elsewhere:
        yield (
            f"by reference {name}",
            lambda text, name=name: post(
                "/3/service/hal",
                {"byReferenceFiles": [elsewhere | {name: text}]},
                Content_Disposition="attachment; by-reference=true",
            ),
        )
    yield (
        "by reference filename",
        lambda text: post(
            "/3/service/hal",
            {
                "byReferenceFiles": [
                    elsewhere | {"contentDisposition": f"attachment; filename*=UTF-8''{escaped(text)}"}
                ]
            },
            Content_Disposition="attachment; by-reference=true",
        ),
    )


XML_PLACES = (
    "<title>{}</title>",
    "<id>{}</id>",
    "<external_identifier>{}</external_identifier>",
    "<author><name>{}</name><email>{}</email><uri>{}</uri></author>",
    "<published>{}</published>",
    "<codemeta:author><codemeta:name>{}</codemeta:name></codemeta:author>",
    "<codemeta:softwareVersion>{}</codemeta:softwareVersion>",
    "<codemeta:datePublished>{}</codemeta:datePublished>",
    "<codemeta:license><codemeta:name>{}</codemeta:name><codemeta:url>{}</codemeta:url></codemeta:license>",
    "<codemeta:identifier>{}</codemeta:identifier>",
    "<codemeta:codeRepository>{}</codemeta:codeRepository>",
    "<codemeta:developmentStatus>{}</codemeta:developmentStatus>",
    '<swh:deposit><swh:create_origin><swh:origin url="{}"/></swh:create_origin></swh:deposit>',
    '<swh:deposit><swh:add_to_origin><swh:origin url="{}"/></swh:add_to_origin></swh:deposit>',
    '<swh:deposit><swh:reference><swh:object swhid="{}"/></swh:reference></swh:deposit>',
    "<swh:deposit><swh:metadata-provenance><schema:url>{}</schema:url></swh:metadata-provenance></swh:deposit>",
    '<link rel="related" href="{}" type="{}"/>',
    "<dcterms:title>{}</dcterms:title>",
)


def fields_of_entries(doors: Doors) -> Iterator[tuple[str, Ask]]:
    for place in XML_PLACES:

        def ask(text: str, place: str = place) -> Any:
            written = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            inner = place.replace("{}", written).encode("utf-8", "surrogatepass")
            return doors.program.post(
                "/1/hal/",
                atom_entry("INNER").replace(b"INNER", inner),
                content_type="application/atom+xml;type=entry",
                headers={"In-Progress": "true"},
            )

        yield place, ask
    yield (
        "a character reference",
        lambda text: doors.program.post(
            "/1/hal/",
            atom_entry("".join(f"&#{ord(one)};" for one in text[:10])),
            content_type="application/atom+xml;type=entry",
        ),
    )


def fields_of_forms(doors: Doors) -> Iterator[tuple[str, Ask]]:
    def form(path: str, fields: Mapping[str, str], who: Browser | None = None) -> Any:
        pairs = {name: value.encode("utf-8", "surrogatepass") for name, value in fields.items()}
        return (who or doors.browser).generic(
            "POST", path, urlencode(pairs), content_type="application/x-www-form-urlencoded"
        )

    yield "log-in: name", lambda text: form("/login/", {"username": text, "password": "x"})
    yield "admin: log-in", lambda text: form("/admin/login/", {"username": text, "password": text}, Browser())
    yield "token: name", lambda text: form("/account/tokens/", {"name": text, "days": "1", "scope": "read"})
    yield "token: days", lambda text: form("/account/tokens/", {"name": "x", "days": text, "scope": "read"})
    yield "token: scope", lambda text: form("/account/tokens/", {"name": "x", "days": "1", "scope": text})
    yield (
        "action",
        lambda text: form("/deposits/action/do/", {"action": text, "id": "1"}, doors.administrator),
    )
    yield (
        "action: id",
        lambda text: form("/deposits/action/do/", {"action": "recheck", "id": text}, doors.administrator),
    )
    yield "language", lambda text: form("/i18n/setlang/", {"language": text, "next": text})
    described = {"title": "A", "authors": "Ada Lovelace", "collection": "hal"}
    for name in (*DescriptionForm.base_fields, "upload", "package_name", "metadata", "unknown"):
        yield (
            f"upload: {name}",
            lambda text, name=name: uploaded(doors.browser, described | {name: text}),
        )
    yield "upload: file name", lambda text: uploaded(doors.browser, described, name=text)
    for model, page in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        names = [one.name for one in model._meta.fields if isinstance(one, CharField | TextField)]
        yield f"{base}?q", lambda text, base=base: doors.administrator.get(f"{base}?{query(text, 'q')}")
        for one in page.list_filter:
            name = str(one[0] if isinstance(one, tuple) else one)
            yield (
                f"{base}?{name}",
                lambda text, base=base, name=name: doors.administrator.get(f"{base}?{query(text, name)}"),
            )
        yield f"{base}?p", lambda text, base=base: doors.administrator.get(f"{base}?{query(text, 'p')}")
        for name in names:
            yield (
                f"{base}add/ {name}",
                lambda text, base=base, name=name: form(f"{base}add/", {name: text}, doors.administrator),
            )


def uploaded(browser: Browser, fields: Mapping[str, str], name: str = "a.zip") -> Any:
    """What the upload page answers to a form with a package of this name."""
    shown = name.replace('"', "%22").encode("utf-8", "surrogatepass")
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (key.encode(), value.encode("utf-8", "surrogatepass"))
        for key, value in fields.items()
    ]
    parts.append(
        b'--b\r\nContent-Disposition: form-data; name="package"; filename="%s"\r\n'
        b"Content-Type: application/zip\r\n\r\n%s\r\n--b--\r\n" % (shown, ZIP)
    )
    return browser.generic(
        "POST", "/upload/", b"".join(parts), content_type="multipart/form-data; boundary=b"
    )


WALKS = {
    "paths": fields_of_paths,
    "queries": fields_of_queries,
    "headers": fields_of_headers,
    "JSON": fields_of_json,
    "entries": fields_of_entries,
    "forms": fields_of_forms,
}


# What every run walks; the others take minutes, and as many deposits.
QUICK = ("paths", "queries", "JSON")


@pytest.mark.parametrize("kind", WALKS)
def test_every_text_field_takes_every_nasty_string(kind: str, doors: Doors) -> None:
    if kind not in QUICK and "NASTY_EVERYWHERE" not in os.environ:
        pytest.skip("NASTY_EVERYWHERE (headers, entries and forms too) is not set.")
    failed: dict[str, list[str]] = {}
    for number, (name, ask) in enumerate(WALKS[kind](doors)):
        for text in for_field(number):
            status = status_of(ask(text))
            if status >= 500:
                failed.setdefault(name, []).append(f"{status} {text[:40]!r}")
    assert failed == {}
    assert unreadable(doors) == {}


def status_of(answer: Any) -> int:
    """The status of an answer that is read to its end and closed."""
    if answer.streaming:
        b"".join(answer.streaming_content)
    with connection_kept():
        answer.close()
    status: int = answer.status_code
    return status


def unreadable(doors: Doors) -> dict[str, int]:
    """The pages and documents that cannot be read."""
    paths = [path for path in ALL if path not in ("/readyz",)]
    different = {texts_of(deposit): deposit for deposit in Deposit.objects.all()}
    paths += [path for deposit in different.values() for path in documents_of(deposit)]
    found = {}
    for path in paths:
        browser = doors.program if path.startswith(("/1/", "/3/", "/api/")) else doors.administrator
        status = status_of(browser.get(path))
        if status >= 500:
            found[path] = status
    return found


def texts_of(deposit: Deposit) -> tuple[object, ...]:
    """What was kept of a client's texts: of deposits that are alike in it, one is read."""
    parts = Part.objects.filter(deposit=deposit).order_by("pk")
    kept = [(part.name, part.content_type, part.packaging, bytes(part.document or b"")) for part in parts]
    return (deposit.title, deposit.external_id, deposit.origin_url, deposit.package_name, *kept)


def documents_of(deposit: Deposit) -> Iterator[str]:
    number, place = deposit.pk, escaped(deposit.collection.name)
    for name in ("media", "atom", "metadata", "status", "content", "statement.atom", "statement.rdf"):
        yield f"/1/{place}/{number}/{name}" + ("" if "." in name else "/")
    for name in ("", "/metadata", "/metadata/entry", "/files"):
        yield f"/3/object/{number}{name}"
    for part in Part.objects.filter(deposit=deposit):
        yield f"/1/{place}/{number}/media/{part.pk}/"
        yield f"/3/object/{number}/files/{part.pk}"
        yield f"/deposits/{number}/parts/{part.pk}/"
    for name in ("", "citation.bib", "CITATION.cff", "files/"):
        yield f"/deposits/{number}/{name}"
    for name in ("", "events/"):
        yield f"/api/deposits/{number}/{name}"
    for name in ("sent", "bag"):
        yield f"/archive/deposit/{number}/{name}/"
    yield f"/admin/deposit/deposit/{number}/change/"


def test_the_walk_has_fields() -> None:
    assert len(NASTY) > 40
    assert Client.objects.count() == Collection.objects.count() == 0
