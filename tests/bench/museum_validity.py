"""Whether SIPs are valid by the national service's schema and by all of its rules: a report.

    DEPOSIT_TEST_DATA=… python -m tests.bench.museum_validity [SIPS]

builds the packages of all objects of the test data, and SIPS more (default 200) with a chance number of attachments of
all kinds, zip attachments and odd names among them; validates each by the catalogue's METS schema and by every
Schematron rule; prints a line for each kind, each fault, and for each object that cannot be preserved its reason. Ends
with 1 if a package was not valid.
"""

import os
import random
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.for_mypy")
django.setup()

from loader.destinations.preservation_service.building import build_sip  # noqa: E402
from loader.destinations.preservation_service.documents import NoLido  # noqa: E402
from loader.destinations.preservation_service.workdir import WorkDir  # noqa: E402
from packages.formats.preservable import NotPreservable  # noqa: E402
from sources.museumplus.harvest.documents import items as module_items  # noqa: E402
from sources.museumplus.harvest.documents import parse_document, read_multimedia, read_object, single_item  # noqa: E402  # noqa: E402
from sources.museumplus.harvest.download import safe_filename  # noqa: E402
from sources.museumplus.workflow.describing import describe  # noqa: E402
from tests.bench.bench_museum import CONTRACT, PICTURES, make, say  # noqa: E402
from tests.support.certificates_of_signers import write_signer  # noqa: E402
from tests.support.mets_rules import MetsRules  # noqa: E402
from tests.support.museumplus import MuseumPlus, document, load_samples  # noqa: E402


def archive() -> bytes:
    """A zip attachment with folders and odd names."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in ("a.jpg", "in/it/b & 'c'.tif", "in/d #1.pdf"):
            packed.writestr(name, PICTURES["a." + name.rpartition(".")[2]])
    return out.getvalue()


def generated(folder: Path, count: int) -> Iterator[Callable[[], WorkDir]]:
    """Objects with attachments by chance; every fifth has a zip among them."""
    chance, pictures = random.Random(8), sorted(PICTURES)
    PICTURES["several files.zip"] = archive()
    for number in range(count):
        size = chance.choice([0, 1, 2, 3, 5, 8, 20])
        zips = ["several files.zip"] * (number % 5 == 0)
        yield partial(make, folder / str(number), chance.choices(pictures, k=size) + zips)


def samples(folder: Path, data: Path) -> Iterator[Callable[[], WorkDir]]:
    """The objects of the test data."""
    museum = MuseumPlus()
    for number in load_samples(museum, data / "museumplus" / "museumplus_mock" / "module"):
        yield partial(sample, folder / f"sample-{number}", museum, number)


def sample(folder: Path, museum: MuseumPlus, number: int) -> WorkDir:
    """One object, laid out as a download lays it out. Raises NotPreservable."""
    work = WorkDir(folder)
    work.make()
    entry = museum.modules["Object"][number]
    source = document("Object", [entry.xml])
    (work.reports / "Object.xml").write_bytes(source)
    if "45005" in entry.exports:
        (work.reports / "lido.xml").write_bytes(entry.exports["45005"])
    for linked in read_object(next(module_items(parse_document(source)))).multimedia_ids:
        _lay_out(work, museum, linked)
    return work


def _lay_out(work: WorkDir, museum: MuseumPlus, linked: int) -> None:
    entry = museum.modules["Multimedia"][linked]
    place = work.attachments / str(linked)
    place.mkdir(parents=True)
    source = document("Multimedia", [entry.xml])
    (place / "Multimedia.xml").write_bytes(source)
    name = safe_filename(read_multimedia(single_item(parse_document(source))))
    if entry.attachment:
        (place / name).write_bytes(entry.attachment)


def judge(make_work: Callable[[], WorkDir], signer: Path, rules: MetsRules) -> tuple[str, list[str]]:
    """``valid``, ``not valid`` with the faults, or the reason for which it cannot be preserved."""
    try:
        work = make_work()
        build_sip(work, describe(work, "x"), CONTRACT, signer)
    except NotPreservable as error:
        return f"frozen: {error.reason}", []
    except NoLido as error:
        return f"failed: {error}", []
    faults = rules.faults(work.sip / "mets.xml")
    return ("not valid" if faults else "valid"), faults


def main() -> int:
    """Print the report."""
    data = Path(os.environ["DEPOSIT_TEST_DATA"])
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name, MetsRules(data / "dpres-schemas") as rules:
        folder = Path(name)
        signer = write_signer(folder / "signer.pem")
        all_of_it = Counter[str]()
        for kind, works in (("samples", samples(folder, data)), ("generated", generated(folder, count))):
            seen = Counter[str]()
            for number, make_work in enumerate(works):
                verdict, faults = judge(make_work, signer, rules)
                seen[verdict] += 1
                for fault in faults:
                    say(f"  {kind} {number}: {fault}")
            say(f"{kind}: {seen.total()} objects")
            for verdict, number in seen.most_common():
                say(f"  {number:4} {verdict}")
            all_of_it += seen
    say(f"SIPs: {all_of_it['valid']} of {all_of_it['valid'] + all_of_it['not valid']} valid")
    return int(all_of_it["not valid"] > 0)


if __name__ == "__main__":
    sys.exit(main())
