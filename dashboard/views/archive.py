"""The archive seen from a deposit: its folders, texts and pictures, and every form to take them away in.

Every path begins at a deposit, so whoever may read what is archived of it may read what lies below it.
"""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from archive.errors import NotFound
from archive.identifiers import SWHID, ObjectType
from archive.objects import DIRECTORY, SYMLINK, Entry
from archive.places import places
from archive.retrieval import directory_page, open_content, resolve
from dashboard.pages import open_page
from deposit.actors import Actor
from deposit.archived.objects import content_response, folder_response
from deposit.models import Deposit
from deposit.permissions import Operation, deposit_to
from deposit.refusals import Kind, Refusal

# Texts up to this many bytes are shown whole; of longer ones the beginning.
_SHOWN_BYTES = 200_000
# Entries of a folder on one page.
_SHOWN_ENTRIES = 2000
# Pictures that are shown; SVG is not among them, because it can carry scripts.
_PICTURES = {
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".gif": ("image/gif", b"GIF8"),
    ".webp": ("image/webp", b"RIFF"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An entry of a folder as it is listed."""

    name: str
    url: str
    kind: str
    size: int | None
    swhid: str


def _root(actor: Actor, deposit_id: int) -> tuple[Deposit, bytes]:
    deposit = deposit_to(actor, Operation.READ_ARCHIVED, deposit_id)
    if not deposit.swhid or deposit.type != "code":
        raise Refusal(
            Kind.NOT_FOUND,
            "archive.no_files",
            "This deposit has no files in the archive.",
            "A package can be browsed once its deposit is done.",
        )
    return deposit, SWHID.parse(deposit.swhid).hash


def _entry(root: bytes, path: str) -> tuple[bytes, Entry]:
    raw = unquote_to_bytes(path).strip(b"/")
    try:
        return raw, resolve(root, raw)
    except NotFound as error:
        raise _nothing_there() from error


def _nothing_there() -> Refusal:
    return Refusal(
        Kind.NOT_FOUND,
        "archive.no_path",
        "There is nothing of that name in this deposit.",
        "Begin at the deposit's files and follow the links.",
    )


def _written(path: bytes) -> str:
    """A path as it goes into an address: what is not printable UTF-8 keeps percent signs of its own."""
    text = path.replace(b"%", b"%25").decode("utf-8", "surrogateescape")
    return "".join(
        f"%{ord(one) & 0xFF:02X}" if "\udc80" <= one <= "\udcff" or one < " " else one for one in text
    )


def _url(view: str, deposit: Deposit, path: bytes) -> str:
    arguments = [deposit.pk, _written(path)] if path else [deposit.pk]
    return reverse(f"dashboard:{view}", args=arguments)


def shown(name: bytes) -> str:
    """A name as it can be shown; what is not UTF-8 or not printable is escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


@require_GET
@open_page
def files(request: HttpRequest, actor: Actor, deposit_id: int, path: str = "") -> HttpResponse:
    """A folder, or what a file holds."""
    deposit, root = _root(actor, deposit_id)
    raw, entry = _entry(root, path)
    crumbs = _crumbs(deposit, raw)
    context = {"deposit": deposit, "crumbs": crumbs, "swhid": str(entry.swhid), "path": shown(raw)}
    if entry.mode == DIRECTORY:
        context |= _listing(deposit, raw, entry, request.GET.get("after", ""))
        context |= {name: _url(name, deposit, raw) for name in ("tar", "zip")}
        return render(request, "dashboard/folder.html", context)
    return render(request, "dashboard/file.html", context | _content(deposit, raw, entry))


def _listing(deposit: Deposit, path: bytes, entry: Entry, after: str) -> dict[str, object]:
    """The entries of a folder, those after a name; and where the next of them are. Raises `Refusal`."""
    try:
        listed = directory_page(entry.target, after=unquote_to_bytes(after), most=_SHOWN_ENTRIES)
    except NotFound as error:
        raise _nothing_there() from error
    more = ""
    if listed.more:
        query = urlencode({"after": _written(listed.entries[-1].name)})
        more = f"{_url('files', deposit, path)}?{query}"
    return {"lines": _lines(deposit, path, listed.entries), "more": more}


def _crumbs(deposit: Deposit, path: bytes) -> list[tuple[str, str]]:
    pieces = path.split(b"/") if path else []
    return [
        (shown(name), _url("files", deposit, b"/".join(pieces[: number + 1])))
        for number, name in enumerate(pieces)
    ]


def _lines(deposit: Deposit, path: bytes, entries: list[Entry]) -> list[Line]:
    contents = [entry.swhid for entry in entries if entry.swhid.type is ObjectType.CONTENT]
    sizes = {swhid: place.row.length for swhid, place in places(contents).items()}
    prefix = path + b"/" if path else b""
    folders_first = sorted(entries, key=lambda entry: (entry.mode != DIRECTORY, entry.name))
    return [
        Line(
            name=shown(entry.name),
            url=_url("files", deposit, prefix + entry.name),
            kind="folder" if entry.mode == DIRECTORY else "link" if entry.mode == SYMLINK else "file",
            size=sizes.get(entry.swhid),
            swhid=str(entry.swhid),
        )
        for entry in folders_first
    ]


def _content(deposit: Deposit, path: bytes, entry: Entry) -> dict[str, object]:
    length, chunks = open_content(entry.swhid, 0, _SHOWN_BYTES)
    data = b"".join(chunks)
    context: dict[str, object] = {"size": length, "raw": _url("raw", deposit, path)}
    if _picture(path, data):
        return context | {"picture": True}
    if entry.mode == SYMLINK:
        return context | {"link": shown(data)}
    if b"\0" in data:
        return context
    text = data.decode("utf-8", "replace")
    numbers = "\n".join(str(number) for number in range(1, text.count("\n") + (not text.endswith("\n")) + 1))
    return context | {"text": text, "numbers": numbers, "is_cut": length > _SHOWN_BYTES}


def _picture(path: bytes, data: bytes) -> str | None:
    """The media type of a picture that a browser may show: by its name and by its first bytes."""
    name = path.lower().decode("latin-1")
    suffix = name[name.rfind(".") :]
    media_type, magic = _PICTURES.get(suffix, ("", b""))
    return media_type if media_type and data.startswith(magic) else None


@require_GET
@open_page
def raw(request: HttpRequest, actor: Actor, deposit_id: int, path: str) -> HttpResponseBase:
    """A file's bytes, or the range of them that is asked for; pictures to be shown, all else to be kept."""
    root = _root(actor, deposit_id)[1]
    name, entry = _entry(root, path)
    if entry.swhid.type is not ObjectType.CONTENT:
        raise Refusal(Kind.BAD_REQUEST, "archive.not_a_file", "This is a folder.", "Download it as tar.")
    length, first = open_content(entry.swhid, 0, 16)
    return content_response(
        request,
        entry.swhid,
        name.rsplit(b"/", 1)[-1],
        length=length,
        shown_as=_picture(name, b"".join(first)) or "",
    )


def _folder(request: HttpRequest, actor: Actor, deposit_id: int, path: str, form: str) -> HttpResponseBase:
    deposit, root = _root(actor, deposit_id)
    name, entry = _entry(root, path)
    if entry.mode != DIRECTORY:
        raise Refusal(Kind.BAD_REQUEST, "archive.not_a_folder", "This is a file.", "Download it as it is.")
    last = name.rsplit(b"/", 1)[-1] or f"deposit-{deposit.pk}".encode()
    return folder_response(request, entry.swhid, last, form)


@require_GET
@open_page
def tar(request: HttpRequest, actor: Actor, deposit_id: int, path: str = "") -> HttpResponseBase:
    """A folder with all below it as a tar, streamed."""
    return _folder(request, actor, deposit_id, path, "tar")


@require_GET
@open_page
def as_zip(request: HttpRequest, actor: Actor, deposit_id: int, path: str = "") -> HttpResponseBase:
    """The same as a zip."""
    return _folder(request, actor, deposit_id, path, "zip")
