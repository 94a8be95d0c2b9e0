"""One upload from beginning to end, in steps that can be repeated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.etree import ElementTree

from client import documents
from client.documents import Receipt, Status
from client.errors import NotFoundError
from client.journal import Record
from client.metadata import ATOM, Metadata
from client.packing import Package
from client.transport import BrokenError, Progress
from client.uploading import SegmentedUploader

# From this size on a package goes in segments, where the server takes them, in bytes.
SEGMENTED_FROM = 128 * 1024 * 1024
BY_REFERENCE = "http://purl.org/net/sword/3.0/terms/byReferenceDeposit"


def linking(entry: bytes, uploads: Sequence[tuple[str, Package]]) -> bytes:
    """An Atom entry that also deposits segmented uploads, by links to their Temporary-URLs."""
    root = documents.parse(entry)
    for url, package in uploads:
        link = {"rel": BY_REFERENCE, "href": url, "type": package.media_type, "title": package.name}
        ElementTree.SubElement(root, f"{{{ATOM}}}link", link)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


class Server(Protocol):
    """What an upload asks of a server; `Depositor` does it."""

    @property
    def retries(self) -> int: ...
    def status(self, deposit_id: int) -> Status: ...
    def segmented(self) -> SegmentedUploader | None: ...
    def complete(self, deposit_id: int) -> Receipt: ...
    def create(
        self,
        metadata: Metadata | bytes,
        *,
        slug: str | None = None,
        in_progress: bool = True,
        key: str | None = None,
        repeatable: bool = False,
    ) -> Receipt: ...
    def send_package(
        self, method: str, deposit_id: int | None, package: Package, progress: Progress | None
    ) -> bytes: ...


@dataclass(slots=True)
class Upload:
    """One upload, step by step; each step may find that it was done before."""

    server: Server
    packages: Sequence[Package]
    metadata: Metadata | bytes | None
    slug: str | None
    progress: Progress | None

    def run(self, record: Record | None, *, in_progress: bool) -> Receipt:
        receipt = self._known(record)
        if receipt and receipt.status != "partial":
            # It was completed before, only the answer never reached us.
            if record:
                record.ended()
            return receipt
        if receipt is None and (linked := self._in_segments(record, in_progress=in_progress)):
            if record:
                record.ended()
            return linked
        receipt = receipt or self._begin(record)
        self._send(receipt.deposit_id)
        if not in_progress:
            receipt = self.server.complete(receipt.deposit_id)
        if record:
            record.ended()
        return receipt

    def _known(self, record: Record | None) -> Receipt | None:
        if record is None or record.deposit_id is None:
            return None
        try:
            status = self.server.status(record.deposit_id)
        except NotFoundError:
            return None
        if status.status == "expired":
            return None
        return Receipt(deposit_id=status.deposit_id, status=status.status, date=None, archive=None, links={})

    def _in_segments(self, record: Record | None, *, in_progress: bool) -> Receipt | None:
        """Large packages: upload them in segments, then make the deposit that links to them, complete at once.

        None where that does not fit. Doing it again deposits nothing twice: the uploads go on where they were, and
        the request that makes the deposit always has the same key.
        """
        if self.metadata is None or max((p.size for p in self.packages), default=0) < SEGMENTED_FROM:
            return None
        uploader = self.server.segmented()
        if uploader is None:
            return None
        try:
            urls = [self._upload(uploader, package, record) for package in self.packages]
        finally:
            uploader.close()
        entry = self.metadata.to_entry() if isinstance(self.metadata, Metadata) else self.metadata
        key = hashlib.sha256("\n".join(urls).encode()).hexdigest()
        return self.server.create(
            linking(entry, list(zip(urls, self.packages, strict=True))),
            slug=self.slug,
            in_progress=in_progress,
            key=key,
            repeatable=True,
        )

    def _upload(self, uploader: SegmentedUploader, package: Package, record: Record | None) -> str:
        def progress(arrived: int, of: int) -> None:
            if self.progress:
                self.progress(package.size * arrived // of, package.size)

        known = record.uploads.get(package.sha256) if record else None
        told = (lambda url: record.uploading(package.sha256, url)) if record else (lambda url: None)
        return uploader.upload(package.path, resume=known, began=told, progress=progress)

    def _begin(self, record: Record | None) -> Receipt:
        """Make the deposit; an empty partial one that a broken line leaves behind harms nobody, and expires."""
        if self.metadata is None:
            first = self.server.send_package("POST", None, self.packages[0], self.progress)
            receipt = documents.read_receipt(first)
        else:
            receipt = self.server.create(self.metadata, slug=self.slug, in_progress=True, repeatable=True)
        if record:
            record.began(receipt.deposit_id)
        return receipt

    def _send(self, deposit_id: int) -> None:
        """PUT the first package, which drops all others, then add the rest: this can be begun again."""
        if not self.packages:
            return
        tries = self.server.retries
        while True:
            try:
                first, *rest = self.packages
                self.server.send_package("PUT", deposit_id, first, self.progress)
                for package in rest:
                    self.server.send_package("POST", deposit_id, package, self.progress)
                return
            except BrokenError:
                tries -= 1
                if tries < 0:
                    raise
