"""Every text field of every door, each as a request that takes a text: what `tests.test_nasty_strings` walks."""

# The lambdas here keep the loops' values as defaults, which mypy does not infer.
# mypy: disable-error-code="misc"

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import CharField, TextField
from django.test import Client as Browser

from dashboard.forms import DescriptionForm
from deposit.models import Deposit, Status
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.lifecycle_fixtures import in_status
from tests.support.samples import atom_entry, make_zip

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


class Kept(NamedTuple):
    """A request that takes texts for several fields at once, and makes a deposit that keeps them."""

    fields: tuple[str, ...]
    send: Callable[[Mapping[str, str]], Any]


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


TYPES = ("{}", "application/zip; charset={}", "a/{}", "application/json; charset={}")


def with_headers(doors: Doors, path: str) -> Callable[[Mapping[str, str]], Any]:
    """A package, sent with these headers; a field is a header's name, or its name and a form of its value."""

    def send(texts: Mapping[str, str]) -> Any:
        headers, kind = dict(ZIP_HEADERS), "application/zip"
        for field, text in texts.items():
            name, _, form = field.partition(": ")
            form, _, is_escaped = form.partition(", ")
            value = (form or "{}").replace("{}", escaped(text) if is_escaped else header(text))
            if name == "Content-Type":
                kind = value
            else:
                headers[name] = value
        return doors.program.generic("POST", path, ZIP, content_type=kind, headers=headers)

    return send


def kept_of_headers(doors: Doors) -> Iterator[Kept]:
    for path in ("/1/hal/", "/3/service/hal"):
        # Alternatives of one header are never sent together.
        for number, (form, kind) in enumerate(zip(DISPOSITIONS, TYPES, strict=False)):
            way = ", escaped" if number % 2 else ""
            fields = (
                f"Content-Disposition: {form}{way}",
                f"Content-Type: {kind}",
                "Packaging",
                f"Slug: {{}}{way}",
            )
            yield Kept(fields, with_headers(doors, path))


def fields_of_headers(doors: Doors) -> Iterator[tuple[str, Ask]]:
    # Each header at two of the doors for changes, and at one of those for reading.
    for number, path in enumerate(("/1/hal/", "/3/service/hal", "/3/staging", "/api/archive/known/")):
        send = with_headers(doors, path)
        fields = list(HEADERS[number % 2 :: 2])
        fields += [f"Content-Disposition: {form}{way}" for form in DISPOSITIONS for way in ("", ", escaped")]
        fields += [f"Content-Type: {form}" for form in TYPES]
        for field in fields:
            yield f"{field} of {path}", lambda text, field=field, send=send: send({field: text})
    reading = ("/api/deposits/", "/archive/origin/?url=x", "/static/dashboard/icon.svg", "/1/hal/")
    for number, path in enumerate(reading):
        for name in HEADERS[number :: len(reading)]:
            yield (
                f"header {name} of GET {path}",
                lambda text, path=path, name=name: doors.program.get(path, headers={name: header(text)}),
            )


def json_sender(doors: Doors) -> Callable[..., Any]:
    """Posts a JSON document, with the digest that SWORD 3 wants."""

    def post(path: str, document: Any, who: Browser | None = None, disposition: str = "") -> Any:
        data = json.dumps(document).encode()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {"Digest": f"SHA-256={digest}", "In-Progress": "true"}
        headers |= {"Content-Disposition": disposition} if disposition else {}
        return (who or doors.program).generic(
            "POST", path, data, content_type="application/json", headers=headers
        )

    return post


# Documents that operators send: where, what is well, and which of its texts are tried.
DOCUMENTS: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "/api/deposits/1/actions/": ({}, ("action",)),
    "/api/archive/known/": ({}, ("swhids",)),
    "/api/batches/": (
        {"folder": "/", "collection": "hal"},
        ("folder", "collection", "client", "completed_dir"),
    ),
    "/api/pipelines/": (
        {"name": "main", "url": "https://a.example/"},
        ("name", "url", "user", "key_ref", "location", "storage_service_url", "storage_time_zone"),
    ),
    "/api/deliveries/bulk/": (
        {"operation": "retry"},
        ("operation", "destination", "pipeline", "collection", "mode"),
    ),
    "/api/sources/inbox/events/": ({}, ("Key", "EventName", "Records")),
    "/api/museum/objects/enqueue/": ({}, ("object_ids", "random")),
}


def fields_of_json(doors: Doors) -> Iterator[tuple[str, Ask]]:
    post = json_sender(doors)
    for path, (sound, names) in DOCUMENTS.items():
        for name in names:
            for make in (lambda text: text, lambda text: [text], lambda text: {text: text}):
                yield (
                    f"{name} of {path}",
                    lambda text, path=path, sound=sound, name=name, make=make: post(
                        path, sound | {name: make(text)}, doors.operator
                    ),
                )
        yield f"key of {path}", lambda text, path=path: post(path, {text: text}, doors.operator)
        yield f"{path}, a bare string", lambda text, path=path: post(path, text, doors.operator)


TERMS = (
    "dc:title",
    "dc:creator",
    "dcterms:contributor",
    "dcterms:abstract",
    "unknown:term",
    "@id",
    "@type",
    "@context",
    "metadata key",
)
ELSEWHERE = {
    "@id": "https://a.example/a.zip",
    "contentType": "application/zip",
    "contentLength": 1,
    "contentDisposition": "attachment; filename=a.zip",
    "packaging": "http://purl.org/net/sword/3.0/package/SimpleZip",
    "digest": "SHA-256=" + "0" * 64,
}


def kept_of_json(doors: Doors) -> Iterator[Kept]:
    post = json_sender(doors)

    def described(texts: Mapping[str, str]) -> Any:
        named = {text if name == "metadata key" else name: text for name, text in texts.items()}
        document = {"dc:title": "A", "dc:creator": "B"} | named
        return post("/3/service/hal", document, disposition="attachment; metadata=true")

    yield Kept(TERMS, described)

    def elsewhere(texts: Mapping[str, str]) -> Any:
        file = ELSEWHERE | dict(texts)
        if name := file.pop("filename", None):
            file["contentDisposition"] = f"attachment; filename*=UTF-8''{escaped(str(name))}"
        document = {"byReferenceFiles": [file]}
        return post("/3/service/hal", document, disposition="attachment; by-reference=true")

    yield Kept((*ELSEWHERE, "filename"), elsewhere)


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


def kept_of_entries(doors: Doors) -> Iterator[Kept]:
    def send(texts: Mapping[str, str]) -> Any:
        inner = b"".join(element(place, text) for place, text in texts.items())
        return doors.program.post(
            "/1/hal/",
            atom_entry("INNER").replace(b"INNER", inner),
            content_type="application/atom+xml;type=entry",
            headers={"In-Progress": "true"},
        )

    yield Kept(XML_PLACES, send)


def element(place: str, text: str) -> bytes:
    written = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return place.replace("{}", written).encode("utf-8", "surrogatepass")


def fields_of_entries(doors: Doors) -> Iterator[tuple[str, Ask]]:
    yield (
        "a character reference",
        lambda text: doors.program.post(
            "/1/hal/",
            atom_entry("".join(f"&#{ord(one)};" for one in text[:10])),
            content_type="application/atom+xml;type=entry",
        ),
    )
    for name in (
        "Content-Type",
        "Content-Disposition",
        "Content-MD5",
        "Content-Transfer-Encoding",
        "Packaging",
    ):
        for number in range(2):
            yield (
                f"{name} of part {number}",
                lambda text, name=name, number=number: in_part(doors, name, text, number),
            )


def in_part(doors: Doors, name: str, text: str, number: int) -> Any:
    """An entry and a package in one request; a text is in a header of one of the two."""
    heads = [
        {"Content-Type": "application/atom+xml", "Content-Disposition": "attachment; name=atom"},
        {
            "Content-Type": "application/zip",
            "Content-Disposition": "attachment; name=payload; filename=a.zip",
        },
    ]
    forms = {"Content-Type": "application/{}", "Content-Disposition": "attachment; name=payload; filename={}"}
    heads[number][name] = forms.get(name, "{}").replace("{}", header(text))
    body = b"".join(
        b"--b\r\n"
        + "".join(f"{key}: {value}\r\n" for key, value in head.items()).encode("latin-1")
        + b"\r\n%s\r\n" % content
        for head, content in zip(heads, (atom_entry(""), ZIP), strict=True)
    )
    return doors.program.generic(
        "POST",
        "/1/hal/",
        body + b"--b--\r\n",
        content_type='multipart/related; type="application/atom+xml"; boundary=b',
        headers={"In-Progress": "true"},
    )


def kept_of_forms(doors: Doors) -> Iterator[Kept]:
    described = {"title": "A", "authors": "Ada Lovelace", "collection": "hal"}

    def send(texts: Mapping[str, str]) -> Any:
        fields = dict(texts)
        name = fields.pop("file name", "a.zip")
        return uploaded(doors.browser, described | fields, name=name)

    yield Kept((*DescriptionForm.base_fields, "unknown", "file name"), send)


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
    for name in ("upload", "package_name", "metadata"):
        yield (
            f"upload: {name}",
            lambda text, name=name: uploaded(doors.browser, described | {name: text}),
        )
    for model, page in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        names = [one.name for one in model._meta.fields if isinstance(one, CharField | TextField)]
        filters = [str(one[0] if isinstance(one, tuple) else one) for one in page.list_filter]
        for name in ("q", "p", *filters):
            yield (
                f"{base}?{name}",
                lambda text, base=base, name=name: doors.administrator.get(f"{base}?{query(text, name)}"),
            )
        # A form judges all its fields, whatever is wrong with some.
        yield (
            f"{base}add/",
            lambda text, base=base, names=names: form(
                f"{base}add/", in_all(names, text), doors.administrator
            ),
        )


def in_all(names: Iterable[str], text: str) -> dict[str, str]:
    return {str(name): text for name in names}


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
