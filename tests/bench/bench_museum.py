"""Figures of the museum's way: harvest per object, SIPs per minute, memory with many files, validity of many SIPs.

    DEPOSIT_TEST_DATA=… python -m tests.bench.bench_museum [SIPS] [FILES]

builds SIPS packages (default 200) with a chance number of attachments, validates each by schema and all rules, then one
with FILES files (default 10,000) of which the memory is measured, validated by the schema and the rules on what
repeats if it is small enough.
"""

import os
import random
import resource
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import django
from PIL import Image

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.for_mypy")
django.setup()

from loader.destinations.preservation_service.building import build_sip  # noqa: E402
from loader.destinations.preservation_service.mets import Contract  # noqa: E402
from loader.destinations.preservation_service.workdir import WorkDir  # noqa: E402
from sources.museumplus.harvest.documents import items, parse_document, read_object  # noqa: E402
from sources.museumplus.workflow.describing import describe  # noqa: E402
from tests.support.certificates_of_signers import write_signer  # noqa: E402
from tests.support.mets_rules import REPEATING, MetsRules  # noqa: E402
from tests.support.museumplus import LIDO, document, multimedia_xml, object_xml  # noqa: E402

CONTRACT = Contract(organization="Museum & Söner", id="12345678-1234-4321-8765-123456789012")


def say(line: str) -> None:
    """A figure."""
    print(line, flush=True)


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """A small picture."""
    out = BytesIO()
    Image.new(mode, (40, 30)).save(out, kind, **options)
    return out.getvalue()


PICTURES = {
    "a.jpg": picture("JPEG"),
    "grey.jpeg": picture("JPEG", "L"),
    "a.tif": picture("TIFF"),
    "lzw.TIFF": picture("TIFF", "L", compression="tiff_lzw"),
    "palette.tif": picture("TIFF", "P"),
    "alpha.tif": picture("TIFF", "RGBA"),
    "print.tif": picture("TIFF", "CMYK"),
    "a.gif": picture("GIF", "P"),
    "a.pdf": picture("PDF"),
    "odd (1) & 'two' %41 #?;=+[]{}~`.jpg": picture("JPEG"),
}


def make(folder: Path, names: list[str]) -> WorkDir:
    """A work folder with these attachments."""
    work = WorkDir(folder)
    work.make()
    ids = tuple(range(1000, 1000 + len(names)))
    (work.reports / "Object.xml").write_bytes(document("Object", [object_xml(7, multimedia=ids)]))
    (work.reports / "lido.xml").write_bytes(LIDO)
    for number, name in zip(ids, names, strict=True):
        place = work.attachments / str(number)
        place.mkdir(parents=True)
        (place / name).write_bytes(PICTURES[name])
        (place / "Multimedia.xml").write_bytes(document("Multimedia", [multimedia_xml(number, objects=(7,))]))
    return work


def built(work: WorkDir, signer: Path) -> Path:
    """The METS of a work folder's SIP."""
    build_sip(work, describe(work, "x"), CONTRACT, signer)
    return work.sip / "mets.xml"


def reading(data: Path) -> None:
    """What reading and hashing an object costs, of the size that real ones have."""
    source = (data / "museumplus/museumplus_mock/module/Object/1234567.xml").read_bytes()
    count, began = 500, time.process_time()
    for _ in range(count):
        read_object(next(items(parse_document(source))))
    spent = (time.process_time() - began) / count * 1000
    say(f"reading and hashing an object of {len(source):,} bytes: {spent:.2f} ms")


def many(data: Path, folder: Path, signer: Path, count: int) -> None:
    """Many SIPs, each valid."""
    chance, spent, faulty = random.Random(1), 0.0, 0
    sizes = [chance.choice([0, 1, 2, 3, 5, 8, 20]) for _ in range(count)]
    with MetsRules(data / "dpres-schemas") as rules:
        for number, size in enumerate(sizes):
            work = make(folder / str(number), chance.choices(sorted(PICTURES), k=size))
            began = time.process_time()
            mets = built(work, signer)
            spent += time.process_time() - began
            faults = rules.faults(mets)
            faulty += bool(faults)
            for fault in faults:
                say(f"SIP {number}: {fault}")
    say(f"{count} SIPs with {sum(sizes)} attachments: {count - faulty} valid by the schema and all rules")
    say(f"building them: {spent / count * 1000:.0f} ms each, {60 * count / spent:.0f} a minute on one core")


def large(data: Path, folder: Path, signer: Path, files: int, only: tuple[str, ...] | None) -> None:
    """One SIP with many files."""
    work = make(folder / f"large-{files}", ["a.jpg"] * files)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    mets = built(work, signer)
    spent = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    say(
        f"{files} attachments: {spent:.1f} s, {grown:.0f} MB more memory, METS of {mets.stat().st_size / 2**20:.0f} MB"
    )
    if only is None:
        return
    with MetsRules(data / "dpres-schemas", only) as rules:
        began = time.monotonic()
        faults = rules.faults(mets)
    told = "all rules" if not only else "the rules on what repeats"
    say(f"  by the schema and {told}: {faults[:3] or 'valid'} ({time.monotonic() - began:.0f} s)")


def main() -> None:
    """All of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    data = Path(os.environ["DEPOSIT_TEST_DATA"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signer = write_signer(folder / "signer.pem")
        reading(data)
        many(data, folder, signer, count)
        large(data, folder, signer, files // 10, None)
        large(data, folder, signer, files, None)
        large(data, folder, signer, 500, ())
        # Two minutes on a machine that has nothing else to do.
        large(data, folder, signer, 5_000, REPEATING)


if __name__ == "__main__":
    main()
