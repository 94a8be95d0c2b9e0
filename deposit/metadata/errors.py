"""What reading a metadata document may raise."""

from deposit.metadata.catalogue import ERRORS
from deposit.refusals import Kind, Refusal


class MetadataError(Refusal):
    """A metadata document, origin or Slug that cannot be taken.

    ``code`` is listed in ``deposit.metadata.catalogue.ERRORS``, from which the words come too; ``summary`` is
    a phrase that users of swh-deposit know, ``hint`` says what is wrong in detail and what to do.
    """

    def __init__(self, code: str, **values: object) -> None:
        error = ERRORS[code]
        kind = Kind.FORBIDDEN if error.forbidden else Kind.BAD_REQUEST
        super().__init__(kind, code, error.summary.format(**values), error.hint.format(**values))
