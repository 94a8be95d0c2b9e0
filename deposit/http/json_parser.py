"""The JSON of a request to the API, read as everywhere else."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from deposit.http.text import read_json
from settings.bodies import SMALL_BODY_BYTES


class StorableJSONParser(BaseParser):
    """DRF's parser, but for texts that nothing can keep and documents that nest without end."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The document. Raises `ParseError`, which is a 400."""
        data = stream.read(SMALL_BODY_BYTES + 1)
        if len(data) > SMALL_BODY_BYTES:
            raise ParseError(f"A JSON document here has at most {SMALL_BODY_BYTES} bytes.")
        try:
            return read_json(data)
        except ValueError as error:
            raise ParseError(f"The body is not a JSON document. {error}"[:300]) from None
