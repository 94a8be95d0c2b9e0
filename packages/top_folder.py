"""Leaving away the one folder in which everything of a package lies, where whoever sent it says so."""

from packages.errors import PackageError
from packages.members import Kind, Member


class TopFolder:
    """Of one package, member by member in their order. Raises `PackageError` for what lies beside the folder."""

    def __init__(self) -> None:
        self._name: bytes | None = None

    def without(self, member: Member) -> Member | None:
        """The member as it is called inside of the folder; None for the folder itself."""
        top, _, rest = member.path.partition(b"/")
        if self._name is None:
            self._name = top
        if top != self._name or (not rest and member.kind is not Kind.DIRECTORY):
            raise PackageError(
                "package.top-folder",
                member.path,
                "One folder that holds everything is expected at the top of the package, and left away; this lies "
                "beside it. Put everything into one folder.",
            )
        if not rest:
            return None
        member.path = rest
        if member.kind is Kind.HARDLINK and member.target is not None:
            member.target = member.target.removeprefix(top + b"/")
        return member
