"""The IRIs of SWORD 3 that the server speaks, and what they stand for in the record."""

from deposit.metadata.packaging import Packaging
from deposit.models import FetchState, Status

_BASE = "http://purl.org/net/sword/3.0/"

CONTEXT = "https://swordapp.github.io/swordv3/swordv3.jsonld"
VERSION = "http://purl.org/net/sword/3.0"

METADATA_SWORD = _BASE + "types/Metadata"
METADATA_ATOM = "http://www.w3.org/2005/Atom"

BINARY = _BASE + "package/Binary"
# What a client may say, and how the record calls it; the names of SWORD 2 are understood too.
PACKAGINGS: dict[str, Packaging] = {
    BINARY: Packaging.BINARY,
    _BASE + "package/SimpleZip": Packaging.SIMPLE_ZIP,
    _BASE + "package/SWORDBagIt": Packaging.BAGIT,
    **{str(each): each for each in Packaging},
}
PACKAGING_IRIS: dict[str, str] = {
    Packaging.BINARY: BINARY,
    Packaging.SIMPLE_ZIP: _BASE + "package/SimpleZip",
    Packaging.BAGIT: _BASE + "package/SWORDBagIt",
    # A package of which nothing was said came through SWORD 2.
    "": _BASE + "package/SimpleZip",
}

REL_ORIGINAL = _BASE + "terms/originalDeposit"
REL_FILE = _BASE + "terms/fileSetFile"
REL_BY_REFERENCE = _BASE + "terms/byReferenceDeposit"
REL_METADATA = _BASE + "terms/formattedMetadata"

DISCOVERY_SERVICE = _BASE + "discovery/Service"
DISCOVERY_OBJECT = _BASE + "discovery/Object"

STATES: dict[str, str] = {
    Status.PARTIAL: _BASE + "state/inProgress",
    Status.EXPIRED: _BASE + "state/rejected",
    Status.DEPOSITED: _BASE + "state/inWorkflow",
    Status.VERIFIED: _BASE + "state/inWorkflow",
    Status.REJECTED: _BASE + "state/rejected",
    Status.LOADING: _BASE + "state/inWorkflow",
    Status.DONE: _BASE + "state/ingested",
    Status.FAILED: _BASE + "state/rejected",
}
ACCEPTED = _BASE + "state/accepted"

PENDING = _BASE + "filestate/pending"
DOWNLOADING = _BASE + "filestate/downloading"
UNPACKING = _BASE + "filestate/unpacking"
INGESTED = _BASE + "filestate/ingested"
ERROR = _BASE + "filestate/error"
FETCH_STATES: dict[str, str] = {
    FetchState.PENDING: PENDING,
    FetchState.DOWNLOADING: DOWNLOADING,
    FetchState.FETCHED: PENDING,
    FetchState.ERROR: ERROR,
}
