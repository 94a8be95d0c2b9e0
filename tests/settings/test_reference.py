"""``docs/reference/settings.md`` tells every variable that the settings read, and no other."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# Read by gunicorn itself.
_OF_GUNICORN = {"FORWARDED_ALLOW_IPS"}
# Tells Django where its settings are, and what systemd says to its services; nobody sets them.
_NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH", "WATCHDOG_USEC"}


def _read_in_settings() -> set[str]:
    folders = (REPOSITORY / "settings", REPOSITORY / "server")
    source = "\n".join(path.read_text() for folder in folders for path in sorted(folder.glob("*.py")))
    through_environ = re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", source)
    directly = re.findall(r"os\.environ(?:\.get\(|\[|\.setdefault\()['\"]([A-Z_]+)['\"]", source)
    return {*through_environ, *directly} - _NOT_SETTINGS


def test_the_reference_lists_exactly_the_variables_that_are_read() -> None:
    page = (REPOSITORY / "docs" / "reference" / "settings.md").read_text()
    listed = re.findall(r"^\| `([A-Z_]+)` \|", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(_read_in_settings() | _OF_GUNICORN)
