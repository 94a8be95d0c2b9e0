"""``/archive/<swhid>/``: a content as it is, a directory as tar, both streamed."""

from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from rest_framework.request import Request

from archive.errors import ArchiveError
from archive.identifiers import SWHID, ObjectType
from archive.objects import Alias
from archive.retrieval import open_content, release, snapshot
from archive.tar import stream_tar
from deposit.access.rights import require_readable
from deposit.actors import Door
from deposit.authentication import Authenticator
from deposit.refusals import Kind, Refusal
from deposit.sword.views import SwordView


def _parse(text: str) -> SWHID:
    try:
        return SWHID.parse(text)
    except (ArchiveError, ValueError) as error:
        raise Refusal(
            Kind.BAD_REQUEST, "archive.swhid", f"{text[:100]} is not a SWHID.", "Write swh:1:dir:... in full."
        ) from error


def _download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """Nothing that was deposited is ever rendered or sniffed in our origin."""
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


class ArchiveAuthenticator(Authenticator):
    """The same as at every door, which the history names."""

    door = Door.ARCHIVE


class ArchiveView(SwordView):
    """One archived object, to those who may read the content of a deposit that holds it."""

    authentication_classes = [ArchiveAuthenticator]
    clients_only = False

    def get(self, request: Request, swhid: str) -> HttpResponseBase:
        """A content's bytes, a directory as tar, a release or snapshot as JSON."""
        wanted = _parse(swhid)
        require_readable(self.actor, wanted)
        name = swhid.replace(":", "_")
        if wanted.type is ObjectType.CONTENT:
            length, chunks = open_content(wanted)
            answer = StreamingHttpResponse(chunks, content_type="application/octet-stream")
            answer["Content-Length"] = str(length)
            return _download(answer, name)
        if wanted.type is ObjectType.DIRECTORY:
            tar = StreamingHttpResponse(stream_tar(wanted.hash), content_type="application/x-tar")
            return _download(tar, f"{name}.tar")
        if wanted.type is ObjectType.RELEASE:
            return JsonResponse(_release(wanted.hash))
        return JsonResponse(_snapshot(wanted.hash))

    def head(self, request: Request, swhid: str) -> HttpResponseBase:
        """Whether the object is there, without its bytes."""
        wanted = _parse(swhid)
        require_readable(self.actor, wanted)
        return HttpResponse(content_type="application/octet-stream")


def _release(identifier: bytes) -> dict[str, str | None]:
    found = release(identifier)
    return {
        "name": found.name.decode(errors="replace"),
        "target": str(found.target),
        "message": None if found.message is None else found.message.decode(errors="replace"),
        "author": None if found.author is None else found.author.decode(errors="replace"),
        "date": None if found.date is None else bytes(found.date).decode(),
    }


def _snapshot(identifier: bytes) -> dict[str, object]:
    branches: dict[str, object] = {}
    for name, target in snapshot(identifier).branches.items():
        if isinstance(target, Alias):
            branches[name.decode(errors="replace")] = {"alias": target.branch.decode(errors="replace")}
        else:
            branches[name.decode(errors="replace")] = None if target is None else str(target)
    return {"branches": branches}
