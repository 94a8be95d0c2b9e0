"""Fills a real swh-deposit with every kind of deposit, by its own client."""

import shutil
from pathlib import Path

from tests.interop.packages import Tree, directory_swhid, tarred, zipped
from tests.interop.software_heritage import DepositPeer
from tests.interop.swh_deposit import SwhDeposit

PROVIDER = "https://hal.example.org"
ENTRY = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom" xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
       xmlns:schema="http://schema.org/" xmlns:swh="https://www.softwareheritage.org/schema/2018/deposit">
  <title>{title}</title><author><name>Ada</name></author>{more}
  <swh:deposit>{deposit}
    <swh:metadata-provenance><schema:url>https://hal.example.org/about</schema:url></swh:metadata-provenance>
  </swh:deposit>
</entry>
"""


class Filler:
    """Fills the peer with every kind of deposit."""

    def __init__(self, peer: DepositPeer, client: SwhDeposit, folder: Path) -> None:
        self.peer, self.client, self.folder = peer, client, folder
        self.numbers: dict[str, str] = {}

    def tree(self, name: str) -> Tree:
        return {f"{name}/README": name.encode(), f"{name}/src/main.c": b"int main() { return 0; }\n"}

    def entry(self, name: str, deposit: str = "", more: str = "") -> Path:
        path = self.folder / f"{name}.xml"
        deposit = deposit or f'<swh:create_origin><swh:origin url="{PROVIDER}/{name}"/></swh:create_origin>'
        path.write_text(ENTRY.format(title=f"Title of {name}", deposit=deposit, more=more))
        return path

    def send(self, name: str, *words: str | Path, package: bool = True, metadata: Path | None = None) -> int:
        packages = ("--archive", zipped(self.folder / f"{name}.zip", self.tree(name))) if package else ()
        described = ("--metadata", metadata or self.entry(name))
        receipt = self.client.json("upload", "--collection", "hal", *packages, *described, *words)
        self.numbers[name] = receipt["deposit_id"]
        return int(receipt["deposit_id"])

    def check(self, number: int) -> None:
        self.peer.do("check", id=number, collection="hal")

    def finish(self, number: int) -> None:
        self.check(number)
        assert self.peer.do("load", id=number)["status"] == "eventful"

    def fill(self) -> dict[str, str]:
        for name in ("done", "slugged", "updated"):
            self.finish(self.send(name, *(["--slug", "slugged"] if name == "slugged" else [])))
        again = f'<swh:add_to_origin><swh:origin url="{PROVIDER}/done"/></swh:add_to_origin>'
        notes = (
            "<codemeta:version>2.0</codemeta:version><codemeta:releaseNotes>Better.</codemeta:releaseNotes>"
        )
        self.finish(self.send("second", metadata=self.entry("second", again, notes)))
        self._two_packages()
        self.send("partial", "--partial")
        self.send("deposited")
        self.check(self.send("verified"))
        self._rejected()
        self._failed()
        for status in ("expired", "loading"):
            number = self.send(status, *(["--partial"] if status == "expired" else []))
            self.peer.do("change", id=number, status=status)
        self._metadata_only()
        self._updated()
        return self.numbers

    def _two_packages(self) -> None:
        number = self.send("two", "--partial")
        more = tarred(self.folder / "more.tar.gz", {"two/NEWS": b"more\n"})
        self.client.json("upload", "--collection", "hal", "--archive", more, "--deposit-id", str(number))
        self.finish(number)

    def _rejected(self) -> None:
        nested = zipped(self.folder / "rejected.zip", {"inner.zip": b"PK"})
        metadata = self.entry("rejected", more="<content>not an element of these entries</content>")
        words = ("--collection", "hal", "--archive", nested, "--metadata", metadata)
        receipt = self.client.json("upload", *words)
        self.numbers["rejected"] = receipt["deposit_id"]
        self.check(int(receipt["deposit_id"]))

    def _failed(self) -> None:
        number = self.send("failed")
        self.check(number)
        (package,) = self.peer.media.glob("client_*/*/failed.zip")
        shutil.move(package, self.folder / "kept")
        self.peer.do("load", id=number)
        shutil.move(self.folder / "kept", package)

    def _metadata_only(self) -> None:
        swhid = directory_swhid(self.tree("done"))
        reference = f'<swh:reference><swh:object swhid="{swhid}"/></swh:reference>'
        self.send("metadata", package=False, metadata=self.entry("metadata", reference))

    def _updated(self) -> None:
        number, swhid = self.numbers["updated"], directory_swhid(self.tree("updated"))
        words = ("--collection", "hal", "--deposit-id", number, "--swhid", swhid)
        self.client.json("upload", "--metadata", self.entry("updated", more="<summary>New</summary>"), *words)
