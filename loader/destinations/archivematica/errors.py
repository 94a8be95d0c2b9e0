"""What can go wrong between us and Archivematica, by what it allows us to do next."""


class RemoteError(Exception):
    """Archivematica or its Storage Service did not do what was asked; ``str()`` is fit for an operator.

    ``status`` is the HTTP status of the answer, None when there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class Unavailable(RemoteError):
    """Nothing came of it for now; asking again does no harm and may help."""


class NotYet(Unavailable):
    """A 400 to a question about a unit: it is not known (yet), or has no jobs (yet)."""


class Refused(RemoteError):
    """A clear no, which asking again will not change."""


class OutcomeUnknown(RemoteError):
    """A request that starts something may have been carried out or not; it must not be sent again blindly."""
