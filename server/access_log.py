"""gunicorn's logs, with nothing raw in them that a client sent."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger

from settings.log_text import indented, one_line


class LineFormatter(logging.Formatter):
    """The formatter of every handler: a record is one line, and below it perhaps a traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """The traceback."""
        return indented(super().formatException(ei))


def _fields(atoms: Any) -> dict[str, object]:
    """What an answer is known by, for machines: who asked for what, and what came of it."""
    return {
        "address": atoms["h"],
        "user": atoms["u"],
        "method": atoms["m"],
        "path": atoms["U"],
        "query": atoms["q"],
        "status": int(atoms["s"]),
        "bytes": int(atoms["B"] or 0),
        "milliseconds": int(atoms["M"]),
        "referrer": atoms["f"],
        "agent": atoms["a"],
        "request": atoms["{x-request-id}o"],
    }


class AccessLogger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """The logger class of ``server/gunicorn.py``."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What a line of the access log is made of; the user's name as one word, for anybody can claim one."""
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        if atoms["u"] != "-":
            atoms["u"] = quote(atoms["u"], safe="@+", errors="backslashreplace")[:200]
        # As all other lines have it.
        atoms["t"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return atoms

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """A line about an answer; what it is made of goes along as fields, for a formatter that has such."""
        if not self.access_log_enabled:
            return
        atoms = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
        self.access_log.info(self.cfg.access_log_format, atoms, extra={"fields": _fields(atoms)})

    def _set_handler(
        self, log: logging.Logger, output: str, fmt: logging.Formatter, stream: Any = None
    ) -> None:
        formatter = LineFormatter(fmt._fmt, fmt.datefmt)
        super()._set_handler(log, output, formatter, stream)
