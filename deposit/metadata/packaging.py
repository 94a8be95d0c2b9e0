"""How a package is packed (SWORD 2 section 7, SWORD 3): the formats that the server takes."""

from enum import StrEnum


class Packaging(StrEnum):
    """A packaging format by its IRI. A package of which nothing is said is a SimpleZip, as for swh-deposit."""

    SIMPLE_ZIP = "http://purl.org/net/sword/package/SimpleZip"
    """A zip or tar archive; its members are the content."""
    BINARY = "http://purl.org/net/sword/package/Binary"
    """One file; it is the content itself and is not looked into."""
    BAGIT = "http://purl.org/net/sword/package/BagIt"
    """A zip or tar archive of a bag (RFC 8493), which must be complete and valid."""
