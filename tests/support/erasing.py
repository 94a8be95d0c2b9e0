"""A collection with deposits that are archived, and the people whom an erasure takes."""

from django.contrib.auth.models import User

from checker.checking import check
from deposit.actors import Actor, Channel
from deposit.erasure import work
from deposit.models import Client, Collection, Curatorship, DeletionKind, DeletionRequest, Deposit, PartKind
from deposit.services import deletions
from loader.workflow import load
from tests.support.factories import PASSWORD, new_client, new_collection
from tests.support.lifecycle_fixtures import sent
from tests.support.samples import atom_entry, create_origin, make_zip

REASON = "A court has ordered it, file 7 O 12/26."
FILES = {
    "pkg/marker-file.txt": b"Marker-Content of a file\n" * 50,
    "pkg/shared.txt": b"What many packages bring\n" * 50,
    "pkg/sub/inner": b"Marker-Content further down\n",
}


class Institution:
    """A public collection of ada's deposits; cora curates it, adam and eve administer the service."""

    def __init__(self) -> None:
        self.collection = new_collection("hal")
        Collection.objects.update(public=True, closed=False)
        self.depositor: Client = new_client(self.collection, username="ada")
        self.curator = User.objects.create_user("cora", password=PASSWORD)
        Curatorship.objects.create(user=self.curator, collection=self.collection)
        self.administrators = [
            User.objects.create_superuser(name, password=PASSWORD) for name in ("adam", "eve")
        ]

    def archived(
        self, files: dict[str, bytes], origin: str = "marker-origin", *, version: str = "1.0"
    ) -> Deposit:
        """A deposit that went through checker and loader."""
        deposit = self.sent(files, origin, version=version)
        check(deposit.pk, worker="checker@test")
        load(deposit.pk, worker="loader@test")
        deposit.refresh_from_db()
        assert deposit.status == "done"
        return deposit

    def sent(
        self, files: dict[str, bytes], origin: str = "marker-origin", *, version: str = "1.0"
    ) -> Deposit:
        """A deposit that waits for its checks."""
        told = create_origin(f"https://hal.example.org/{origin}")
        told += f"<codemeta:softwareVersion>{version}</codemeta:softwareVersion>"
        told += "<codemeta:description>Marker-Description</codemeta:description>"
        entry = atom_entry(told, title="Marker-Title")
        deposit = sent(make_zip(files), entry=entry, who=(self.depositor, self.collection))
        deposit.parts.filter(kind=PartKind.PACKAGE).update(name="marker-package.zip")
        Deposit.objects.filter(pk=deposit.pk).update(package_name="marker-package.zip")
        return deposit

    def ask(self, deposit: Deposit, *objects: str) -> DeletionRequest:
        """A request to erase, with its plan."""
        asked = deletions.request(
            actor=acting(self.curator),
            deposit_id=deposit.pk,
            kind=DeletionKind.ERASE,
            reason=REASON,
            objects=objects,
        )
        work.plan(asked.pk, worker="planner@test")
        asked.refresh_from_db()
        return asked

    def approve(self, asked: DeletionRequest) -> DeletionRequest:
        """Decided, and nothing more: the bytes are still there."""
        return deletions.approve(actor=acting(self.administrators[0]), request_id=asked.pk)

    def erase(self, deposit: Deposit, *objects: str) -> DeletionRequest:
        """Asked, decided and done."""
        asked = self.approve(self.ask(deposit, *objects))
        work.erase(asked.pk, worker="eraser@test")
        asked.refresh_from_db()
        return asked


def acting(user: User) -> Actor:
    """A person before a browser."""
    return Actor(user=user, channel=Channel.DASHBOARD)
