"""The description of an object in LIDO, read for METS."""

from pathlib import Path

from lxml import etree

from deposit.metadata.errors import MetadataError
from deposit.metadata.xml import parse_as_sent
from loader.destinations.preservation_service.namespaces import LIDO

MAX_LIDO = 64 * 1024**2


class NoLido(Exception):
    """There is no LIDO document, or what is there is none."""


def read_lido(path: Path) -> etree._Element:
    """The root element of the LIDO document at ``path``. Raises NoLido."""
    try:
        root = parse_as_sent(path.read_bytes(), max_size=MAX_LIDO)
    except FileNotFoundError:
        raise NoLido("The object has no LIDO document (reports/lido.xml).") from None
    except MetadataError as error:
        raise NoLido(f"The LIDO document cannot be read: {error}") from None
    if not str(root.tag).startswith(f"{{{LIDO}}}"):
        raise NoLido("The document in reports/lido.xml is not LIDO.")
    return root
