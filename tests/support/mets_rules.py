"""The national schema catalogue and Schematron rules, run over METS documents in a process of its own.

libxml2 reads ``XML_CATALOG_FILES`` once, when it is first asked for a schema; so the rules live in a child process:
``python -m tests.support.mets_rules FOLDER`` reads paths, one a line, and answers each with a line of JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from lxml import etree, isoschematron  # type: ignore[attr-defined]  # the stubs lack it

# Rules that are about what repeats with each file, and whose cost grows in step with their number: some 15 ms an
# attachment together. That of mets_amdsec, mets_techmd, mets_filesec and two on PREMIS grows with its square (10,000
# files would take an hour), and mets_mods looks at each element for what is not there (40 ms an attachment).
REPEATING = ("mets_mdwrap", "mets_mix", "mets_premis_techmd", "mets_digiprovmd", "mets_structmap")


class MetsRules:
    """A running validator; a context manager. ``folder`` is the catalogue (``dpres-schemas``)."""

    def __init__(self, folder: Path, only: Iterable[str] = ()) -> None:
        catalogue = folder / "schema_catalogs" / "catalog_main.xml"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mets_rules", str(folder), *only],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "XML_CATALOG_FILES": str(catalogue)},
            cwd=Path(__file__).resolve().parents[2],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def faults(self, mets: Path) -> list[str]:
        """What is wrong with a document: empty if it is valid by schema and rules."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{mets}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, list)
        return [str(fault) for fault in answer]


def _serve(folder: Path, only: list[str]) -> None:
    schema = etree.XMLSchema(etree.parse(str(folder / "schema_catalogs/schemas/mets/mets.xsd")))
    names = only or [path.stem for path in sorted((folder / "schematron").glob("*.sch"))]
    rules = {
        name: isoschematron.Schematron(
            etree.parse(str(folder / "schematron" / f"{name}.sch")),
            store_report=True,
            error_finder=isoschematron.Schematron.ASSERTS_ONLY,
        )
        for name in names
    }
    for line in sys.stdin:
        document = etree.parse(line.strip(), etree.XMLParser(huge_tree=True))
        faults = [] if schema.validate(document) else [str(error) for error in schema.error_log]  # type: ignore[attr-defined]
        for name, rule in rules.items():
            if not rule.validate(document):
                failed = rule.validation_report.iterfind(".//{*}failed-assert")
                faults += [f"{name}: {' '.join(' '.join(part.itertext()).split())}" for part in failed]
        sys.stdout.write(json.dumps(faults) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2:])
