"""The folder in which a package is made: ``<PACKAGE_DIR>/<object id>/``, laid out as Passari lays it out.

``sip/`` is what is sent, ``workspace/`` is for things half done, ``logs/`` tells what was done; the finished archive
lies beside them.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkDir:
    """The paths in a work folder; nothing is made until :meth:`make`."""

    path: Path

    @property
    def sip(self) -> Path:
        """What is sent."""
        return self.path / "sip"

    @property
    def reports(self) -> Path:
        """``Object.xml`` and ``lido.xml``."""
        return self.sip / "reports"

    @property
    def attachments(self) -> Path:
        """One folder for each attachment, named by its id."""
        return self.sip / "attachments"

    @property
    def activities(self) -> Path:
        """One folder for each collection activity, named by its id."""
        return self.sip / "collection_activities"

    @property
    def workspace(self) -> Path:
        """Emptied before each attempt."""
        return self.path / "workspace"

    @property
    def logs(self) -> Path:
        """One log for each step, and the reports of the service."""
        return self.path / "logs"

    def make(self) -> None:
        """Make the folders that are missing."""
        for folder in (self.reports, self.workspace, self.logs):
            folder.mkdir(parents=True, exist_ok=True)

    def clear_workspace(self) -> None:
        """Begin anew: what an interrupted attempt left is removed."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.workspace.mkdir(parents=True)

    def log(self, tool: str, line: str) -> None:
        """Add a line to the log of a step (``import-object``, ``compile-mets``, ...)."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{tool}.log").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n")

    @property
    def _extracted(self) -> Path:
        return self.path / "extracted.json"

    def extracted(self) -> dict[str, datetime]:
        """Archives that were replaced by folders with what was in them: paths below ``sip/``, and when."""
        try:
            told = json.loads(self._extracted.read_text())
        except FileNotFoundError:
            return {}
        return {path: datetime.fromisoformat(when) for path, when in told.items()}

    def note_extracted(self, path: str, when: datetime) -> None:
        """Remember that the archive at ``path`` below ``sip/`` becomes a folder."""
        told = {known: at.isoformat() for known, at in self.extracted().items()} | {path: when.isoformat()}
        half = self._extracted.with_suffix(".new")
        half.write_text(json.dumps(told))
        half.replace(self._extracted)
