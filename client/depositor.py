"""The Python API: one depositor at one server."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict
from urllib.parse import quote

from client import documents
from client.addresses import tidy
from client.depositing import Upload
from client.documents import Collection, Receipt, Service, Status
from client.downloading import save
from client.errors import NotFoundError, RefusedError, UsageError, WaitTimedOutError
from client.headers import ENTRY, PACKAGINGS, SIMPLE_ZIP, package_headers
from client.journal import recorded
from client.metadata import Metadata
from client.packing import Package, open_package
from client.pauses import GIVE_UP_AFTER
from client.transport import BrokenError, Progress, Transport
from client.uploading import SegmentedUploader


class _Patience(TypedDict):
    timeout: float
    retries: int
    first_wait: float
    give_up_after: float


class Depositor:
    """Deposits packages and follows them.

    ``url`` is the SWORD root, usually ending with ``/1/``. ``collection`` is the name of the collection to
    work in, by default the first in the service document. A request that breaks is sent again ``retries`` times,
    the first time after ``first_wait`` seconds, then after ever longer, or when the server says, for ``give_up_after``
    seconds at most. All methods raise `DepositError`, whose
    ``summary`` and ``hint`` are worded for people.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        collection: str | None = None,
        timeout: float = 60.0,
        retries: int = 12,
        first_wait: float = 0.25,
        give_up_after: float = GIVE_UP_AFTER,
    ) -> None:
        self.url = tidy(url)
        self._username, self._password, self._token = username or "", password or "", token or ""
        self._patience = _Patience(
            timeout=timeout, retries=retries, first_wait=first_wait, give_up_after=give_up_after
        )
        self._collection = collection
        self.name_encoding = ""
        """What names in packages are in that do not state their encoding, such as shift_jis; "": nothing is said."""
        self.confirm_warnings = False
        """Whether new deposits wait for `confirm` when their packages have warnings; servers may not know it."""
        self._transport = Transport(
            username=username,
            password=password,
            token=token,
            **self._patience,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._transport.close()

    # --- Reading ---------------------------------------------------------------------------------------
    def service(self) -> Service:
        """What the server offers to this depositor."""
        return documents.read_service(self._transport.request("GET", f"{self.url}servicedocument/").content)

    @property
    def collection(self) -> str:
        """The name of the collection we work in."""
        if self._collection is None:
            self._collection = self._first_collection().name
        return self._collection

    def _first_collection(self) -> Collection:
        collections = self.service().collections
        if not collections:
            raise NotFoundError(
                "You may deposit nowhere on this server.", "Ask its operators for a collection."
            )
        return collections[0]

    def status(self, deposit_id: int) -> Status:
        """Where a deposit stands."""
        return documents.read_status(self._transport.request("GET", self._iri(deposit_id, "status")).content)

    def entry(self, deposit_id: int) -> bytes | None:
        """The metadata of a deposit as an Atom entry; None where it has none, or the server does not tell them."""
        url = f"{self.url.removesuffix('1/')}3/object/{int(deposit_id)}/metadata/entry/"
        try:
            return self._transport.request("GET", url).content
        except (NotFoundError, RefusedError):
            return None

    def receipt(self, deposit_id: int) -> Receipt:
        """The receipt of a deposit; swh-deposit's servers keep none."""
        return documents.read_receipt(self._transport.request("GET", self._iri(deposit_id, "atom")).content)

    def wait(
        self,
        deposit_id: int,
        *,
        timeout: float | None = None,
        on_change: Callable[[Status], None] | None = None,
        longest_poll: float = 10.0,
        until: Callable[[Status], bool] | None = None,
    ) -> Status:
        """Wait until nothing happens any more by itself, and return that status; ``waits_for`` says for what.

        ``timeout`` in seconds (None: for ever) raises `WaitTimedOutError`. A ``partial`` deposit waits for its
        depositor, hence `UsageError`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause, known = 0.2, ""
        while True:
            status = self.status(deposit_id)
            if on_change and status.status != known:
                on_change(status)
            known = status.status
            if status.is_final or (until is not None and until(status)):
                return status
            if status.waits_for:
                return status
            if known == "partial":
                raise UsageError(f"Deposit {deposit_id} is not complete.", f"deposit complete {deposit_id}")
            if end is not None and time.monotonic() + pause > end:
                raise WaitTimedOutError(f"Deposit {deposit_id} is {known} after {timeout:g} s; it goes on.")
            time.sleep(pause)
            pause = min(pause * 1.3, longest_poll)

    def deposits(self, *, status: str | None = None, page_size: int = 100) -> Iterator[dict[str, str]]:
        """All deposits of this depositor, oldest first, page by page; the fields as the server names them."""
        url: str | None = f"{self.url}{quote(self.collection)}/"
        params: dict[str, str] | None = {"page_size": str(page_size)} | ({"status": status} if status else {})
        while url:
            response = self._transport.request("GET", url, params=params)
            rows = documents.read_list(response.content)[1]
            # Servers that know no filter send all.
            yield from (row for row in rows if status is None or row.get("status") == status)
            url, params = documents.next_page(response.headers.get("Link", "")), None

    def download(
        self, deposit_id: int, target: Path, *, packaging: str = SIMPLE_ZIP, progress: Progress | None = None
    ) -> Path:
        """Save what was deposited; ``target`` is a file or a folder. Returns the file.

        ``packaging``: SimpleZip, Binary, BagIt, or the IRI of a packaging; raises `RefusedError` for another answer.
        Where the server does not give packages back, the archived folder comes as a tar. A broken download goes
        on where it stopped if the server allows, also when asked for again.
        """
        packaging = PACKAGINGS.get(packaging.lower(), packaging)
        headers = {"Accept-Packaging": packaging, "Accept": "*/*"}
        url = self._iri(deposit_id, "media")
        name = f"deposit-{deposit_id}"
        try:
            return save(self._transport, url, target, headers, default_name=f"{name}.zip", progress=progress)
        except RefusedError as error:
            swhid = self.status(deposit_id).swhid
            if error.status != 405 or not swhid:
                raise
        return self.fetch(swhid, target, progress=progress)

    def fetch(self, swhid: str, target: Path, *, progress: Progress | None = None) -> Path:
        """Save an archived object to the file or folder ``target``: a content as it is, a directory as tar."""
        core = swhid.partition(";")[0].strip()
        suffix = ".tar" if core.startswith("swh:1:dir:") else ""
        return save(
            self._transport,
            self._archive_iri(core),
            target,
            {"Accept": "*/*"},
            default_name=core.replace(":", "_") + suffix,
            progress=progress,
        )

    def stored(self, swhid: str) -> bool:
        """Whether an object is archived, as far as this depositor may know: as part of an own deposit."""
        core = swhid.partition(";")[0].strip()
        try:
            self._transport.request("HEAD", self._archive_iri(core))
        except NotFoundError as error:
            if error.is_from_deposit_server:
                return False
        except RefusedError as error:
            if error.status != 405:
                raise
        else:
            return True
        # swh-deposit has no archive to ask, but tells the identifiers of whole deposits.
        done = self.deposits(status="done", page_size=1000)
        return any(row.get("swhid", "").partition(";")[0] == core for row in done)

    def _archive_iri(self, swhid: str) -> str:
        return f"{self.url.removesuffix('1/')}archive/{quote(swhid, safe=':')}/"

    # --- Depositing ------------------------------------------------------------------------------------
    def upload(
        self,
        *packages: Path | str | Package,
        metadata: Metadata | bytes | None = None,
        slug: str | None = None,
        in_progress: bool = False,
        progress: Progress | None = None,
        resume: bool = False,
    ) -> Receipt:
        """Deposit packages with their metadata, so that a broken connection never makes two deposits.

        The deposit is made from the metadata, the packages are put into it, and it is completed: each step
        can be repeated. Large packages go in segments where the server takes them. ``in_progress`` leaves the
        deposit open. ``resume``: remember it on disk, so that the same call in a later process goes on.
        Returns the last receipt.
        """
        opened = [each if isinstance(each, Package) else open_package(Path(each)) for each in packages]
        if not opened and metadata is None:
            raise UsageError("There is nothing to deposit: neither a package nor metadata.")
        job = Upload(self, opened, metadata, slug, progress)
        if not resume:
            return job.run(None, in_progress=in_progress)
        known = repr(metadata) if isinstance(metadata, Metadata) else (metadata or b"").decode("latin-1")
        with recorded(self._address, [*(p.sha256 for p in opened), slug or "", known]) as record:
            return job.run(record, in_progress=in_progress)

    @property
    def username(self) -> str:
        """Who deposits; "" where a token says so."""
        return self._username

    @property
    def _address(self) -> str:
        return f"{self._username}@{self.url}{self.collection}"

    def add(
        self, deposit_id: int, package: Path | str | Package, *, progress: Progress | None = None
    ) -> Receipt:
        """Add a package to a partial deposit, which stays partial."""
        response = self.send_package("POST", deposit_id, _opened(package), progress)
        return documents.read_receipt(response)

    def replace(
        self,
        deposit_id: int,
        *,
        package: Path | str | Package | None = None,
        metadata: Metadata | bytes | None = None,
        progress: Progress | None = None,
    ) -> Status:
        """Put a package in the place of all packages of a partial deposit, or metadata in that of all metadata."""
        if package is None and metadata is None:
            raise UsageError("Say what is to be replaced: a package, metadata, or both.")
        if package is not None:
            self.send_package("PUT", deposit_id, _opened(package), progress)
        if metadata is not None:
            self._put_entry(deposit_id, metadata, {"In-Progress": "true"})
        return self.status(deposit_id)

    def update(self, deposit_id: int, *, swhid: str, metadata: Metadata | bytes) -> Status:
        """Give an archived deposit new metadata. ``swhid`` must be its identifier: a guard against mix-ups.

        They take the place of all earlier ones; `client.merging.merge` lays them over the present `entry`.
        """
        self._put_entry(deposit_id, metadata, {"X-Check-SWHID": swhid})
        return self.status(deposit_id)

    def metadata_only(self, metadata: Metadata | bytes) -> Receipt:
        """Describe something that is archived already; its reference is in the metadata."""
        if isinstance(metadata, Metadata) and not metadata.reference:
            raise UsageError(
                "The metadata do not say what they describe.", "Give --reference with a SWHID or URL."
            )
        return self.create(metadata, slug=None, in_progress=False, repeatable=False)

    def complete(self, deposit_id: int) -> Receipt:
        """Say that a partial deposit is complete."""
        for last in (False, True):
            try:
                response = self._transport.request(
                    "POST",
                    self._iri(deposit_id, "metadata"),
                    headers={"In-Progress": "false", "Content-Length": "0"},
                )
                return documents.read_receipt(response.content)
            except BrokenError:
                status = self.status(deposit_id)
                # One that waits for a confirmation was completed: once more would confirm it.
                if status.status != "partial" or status.waits_for:
                    return Receipt(
                        deposit_id=deposit_id, status=status.status, date=None, archive=None, links={}
                    )
                if last:
                    raise
        raise AssertionError("unreachable")

    def confirm(self, deposit_id: int) -> Status:
        """Say that the warnings on a deposit are known, and that it is meant as it is. Twice does no harm."""
        try:
            self._transport.request(
                "POST",
                f"{self.url.removesuffix('1/')}api/deposits/{int(deposit_id)}/actions/",
                headers={"Content-Type": "application/json", "Accept": "application/json"},
                content=b'{"action": "confirm"}',
                repeatable=True,
            )
        except RefusedError as error:
            # Sent twice, and the first did it.
            if error.status != 409 or self.status(deposit_id).status == "partial":
                raise
        return self.status(deposit_id)

    def cancel(self, deposit_id: int) -> None:
        """Delete a partial deposit."""
        try:
            self._transport.request("DELETE", self._iri(deposit_id, "atom"))
        except NotFoundError:
            # Either it never was, or our first try did it and its answer was lost.
            if self.collection and deposit_id in {int(row["id"]) for row in self.deposits(status="partial")}:
                raise

    def segmented(self) -> SegmentedUploader | None:
        """For uploads that go on where they broke; None where the server does not speak SWORD 3."""
        url = self.url.removesuffix("1/") + "3/"
        try:
            self._transport.request("GET", url)
        except (RefusedError, NotFoundError):
            return None
        return SegmentedUploader(
            url,
            username=self._username,
            password=self._password,
            token=self._token,
            **self._patience,
        )

    @property
    def retries(self) -> int:
        """How often a request that breaks is sent again."""
        return self._transport.retries

    # --- Pieces ----------------------------------------------------------------------------------------
    def _iri(self, deposit_id: int, segment: str) -> str:
        return f"{self.url}{quote(self.collection)}/{int(deposit_id)}/{segment}/"

    def create(
        self,
        metadata: Metadata | bytes,
        *,
        slug: str | None = None,
        in_progress: bool = True,
        key: str | None = None,
        repeatable: bool = False,
    ) -> Receipt:
        """Make a deposit of metadata, and of the segmented uploads that they link to.

        ``key``: a server that knows Idempotency-Key makes one deposit of all requests with the same.
        """
        headers = {
            "Content-Type": ENTRY,
            "In-Progress": str(in_progress).lower(),
            "Idempotency-Key": key or str(uuid.uuid4()),
        }
        headers |= self._wishes
        if slug:
            headers["Slug"] = quote(slug, safe="/:@!$&'()*+,;=~-._")
        response = self._transport.request(
            "POST",
            f"{self.url}{quote(self.collection)}/",
            headers=headers,
            content=_entry(metadata),
            repeatable=repeatable,
        )
        return documents.read_receipt(response.content)

    @property
    def _wishes(self) -> dict[str, str]:
        """What every request of a new deposit says besides."""
        names = {"X-Name-Encoding": self.name_encoding} if self.name_encoding else {}
        return names | ({"X-Confirm-Warnings": "true"} if self.confirm_warnings else {})

    def _put_entry(self, deposit_id: int, metadata: Metadata | bytes, headers: dict[str, str]) -> None:
        self._transport.request(
            "PUT",
            self._iri(deposit_id, "atom"),
            headers={"Content-Type": ENTRY, **headers},
            content=_entry(metadata),
        )

    def send_package(
        self, method: str, deposit_id: int | None, package: Package, progress: Progress | None
    ) -> bytes:
        """POST or PUT a package, the deposit staying open; without a deposit this makes one."""
        url = self._iri(deposit_id, "media") if deposit_id else f"{self.url}{quote(self.collection)}/"
        headers = package_headers(package)
        headers |= self._wishes
        response = self._transport.request(method, url, headers=headers, file=package.path, progress=progress)
        return response.content


def _opened(package: Path | str | Package) -> Package:
    return package if isinstance(package, Package) else open_package(Path(package))


def _entry(metadata: Metadata | bytes) -> bytes:
    return metadata.to_entry() if isinstance(metadata, Metadata) else metadata
