"""Profiles: what a collection demands of a package beyond being whole.

Pure, and without Django: a profile judges inside of the confined reader, where a package can do no harm.
"""

from collections.abc import Mapping

from checker.profiles import archivematica, museum, transfer_package
from checker.profiles.rules import Rules

PROFILES: Mapping[str, Rules] = {
    rules.name: rules for rules in (transfer_package.RULES, archivematica.RULES, museum.RULES)
}
