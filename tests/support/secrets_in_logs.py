"""A log handler that recognises what must never be logged: passwords of tests, tokens, Authorization headers."""

import logging
import re

from tests.support.factories import PASSWORD

_SECRET = re.compile(
    rf"{re.escape(PASSWORD)}"
    r"|dpt_[0-9A-Za-z]{49}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"
    r"|\b(?:Basic|Bearer) [A-Za-z0-9+/=._-]{12,}"
)


class SecretsInLogs(logging.Handler):
    """Keeps the lines, tracebacks included, that hold one."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line."""
        line = self.format(record)
        if _SECRET.search(line):
            self.found.append(line)
