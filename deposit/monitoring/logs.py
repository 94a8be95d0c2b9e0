"""Logs that can be followed: every line tells the request or the task it belongs to.

``LOG_FORMAT=line`` for people, ``json`` (one object a line) for machines.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import current_task

from settings.log_text import indented, json_line, one_line

# The id of the request that this thread answers.
request_id: ContextVar[str] = ContextVar("request_id", default="")
# `key=value` pairs in our messages become fields of their own in JSON. Bounded: a quote that never ends, again and
# again, would take the square of the line's length.
_NAMES = re.compile(r"\b([a-z_]{2,30})=")
_PAIRS = re.compile(r"\b([a-z_]{2,30})=('(?:[^'\\]|\\.){0,300}'|[^\s,]+)")


def place() -> dict[str, str]:
    """Which request or task is at work in this thread."""
    answering = request_id.get()
    if answering:
        return {"request": answering}
    if current_task:  # type: ignore[truthy-bool]  # a proxy, of None outside of tasks
        return {"task": str(current_task.request.id), "task_name": str(current_task.name)}
    return {}


def moment_of(record: logging.LogRecord) -> str:
    """When a record was made, in UTC, to the millisecond."""
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class WithoutTracebacksOfRefusals(logging.Filter):
    """A request that Django refuses by itself (a form too large, a host of another) is one line, not a traceback.

    Anybody can send such requests, as many as they like, and nothing in our code is wrong.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record says where the request went instead of what raised."""
        if (
            record.exc_info
            and record.name.startswith("django.")
            and getattr(record, "status_code", 500) < 500
        ):
            asked = getattr(record, "request", None)
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.args = getattr(asked, "path", ""), record.getMessage()
            record.msg = "refused path=%r: %s"
            record.exc_info = record.exc_text = None
        return True


class LineFormatter(logging.Formatter):
    """``LEVEL logger message request=…``; with ``times``, the moment in UTC before it."""

    def __init__(self, *, times: bool = False) -> None:
        super().__init__("%(asctime)s " * times + "%(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """``2026-11-30T21:40:01.250Z``."""
        return moment_of(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line; a message cannot begin another one."""
        line = one_line(super().formatMessage(record))
        return " ".join([line, *(f"{name}={value}" for name, value in place().items())])

    def formatException(self, ei: Any) -> str:
        """A traceback, which may tell what a client sent."""
        return indented(super().formatException(ei))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, its pairs, request or task, traceback.

    What a record carries as ``fields`` (the web server's access log) are fields too.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        message = record.getMessage()
        # Only pairs of ours: what a client sent may look like others.
        ours = set(_NAMES.findall(str(record.msg)))
        pairs = [pair for pair in _PAIRS.findall(message) if pair[0] in ours]
        fields: dict[str, object] = {name: value.strip("'") for name, value in pairs}
        fields |= getattr(record, "fields", {})
        fields |= {
            "time": moment_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            **place(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json_line(json.dumps(fields, ensure_ascii=False))
