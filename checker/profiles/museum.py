"""The profile ``museum``: objects of a collection system, as a national preservation service takes them.

Names are judged here, with the package's list of members; contents by ``checker.museum_contents``.
"""

from checker.profiles.rules import Rules
from client.transfer_package.contents import Contents, Finding
from client.transfer_package.options import Options
from packages.formats.preservable import NotPreservable, check_name

NAME = "museum"


def finding_of(refused: NotPreservable, subject: str) -> Finding:
    """A refusal as a finding; its message begins with the reason by which frozen objects are counted."""
    return Finding(code=refused.code, subject=subject, message=f"{refused.reason}. {refused.detail}")


def _judge(contents: Contents, options: Options) -> list[Finding]:
    found = []
    for path in sorted(contents.files):
        folder, _, rest = path.partition("/")
        name = rest.partition("/")[2]
        if folder == "attachments" and name and name != "Multimedia.xml":
            try:
                check_name(name)
            except NotPreservable as refused:
                found.append(finding_of(refused, path))
    if "reports/Object.xml" not in contents.files:
        found.append(
            Finding(
                code="package.museum.object",
                subject="reports/Object.xml",
                message="The package has no description of its object. Download the object again.",
            )
        )
    return found


RULES = Rules(name=NAME, judge=_judge, identifier=lambda contents, options: "", title=lambda contents: "")
