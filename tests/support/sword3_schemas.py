"""The official JSON Schemas of SWORD 3, in the folder that ``DEPOSIT_TEST_DATA`` names; without it all is valid."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

_FILES = {
    "ServiceDocument": "service-document",
    "Status": "status",
    "Metadata": "metadata",
    "Temporary": "segmented-file-upload",
    "ByReference": "by-reference",
}


def available() -> bool:
    """Whether there are schemas to validate by."""
    return "DEPOSIT_TEST_DATA" in os.environ


@cache
def _validator(name: str) -> Any:
    file = Path(os.environ["DEPOSIT_TEST_DATA"]) / "swordv3" / f"{name}.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    services = schema["properties"].get("services")
    if services:
        # By its own $id this reference leads to "services" itself; the whole document is meant.
        del services["$id"]
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def faults(document: dict[str, Any]) -> list[str]:
    """What the schema of a document's @type says against it; every other type is that of an error."""
    validator = _validator(_FILES.get(str(document.get("@type")), "error"))
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(document)]


def require_valid(document: dict[str, Any]) -> None:
    """Hold a document to its schema, if there is one here."""
    if available():
        found = faults(document)
        assert found == [], found
