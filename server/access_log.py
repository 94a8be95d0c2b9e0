"""gunicorn's logs, with nothing raw in them that a client sent."""

import logging
from datetime import timedelta
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


class AccessLogger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """The logger class of ``server/gunicorn.py``."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What a line of the access log is made of; the user's name as one word, for anybody can claim one."""
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        if atoms["u"] != "-":
            atoms["u"] = quote(atoms["u"], safe="@+", errors="backslashreplace")[:200]
        return atoms

    def _set_handler(
        self, log: logging.Logger, output: str, fmt: logging.Formatter, stream: Any = None
    ) -> None:
        formatter = LineFormatter(fmt._fmt, fmt.datefmt)
        super()._set_handler(log, output, formatter, stream)
