"""Transfer packages: what they must look like, and how they are made.

The rules are pure: they see the names of a package's files and the content of its small ones. The command
``deposit package`` and the server's checker both judge with them, so that a package that is valid here is valid there.
"""

from client.transfer_package.archivematica import judge as judge_archivematica
from client.transfer_package.contents import Contents, Finding, Severity
from client.transfer_package.options import Options
from client.transfer_package.rules import identifier_of, judge

__all__ = [
    "Contents",
    "Finding",
    "Options",
    "Severity",
    "identifier_of",
    "judge",
    "judge_archivematica",
]
