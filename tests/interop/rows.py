"""The rows of a swh-storage that two loaders wrote for the same deposit, in a form that can be compared."""

import json
from collections import Counter
from typing import Any

from tests.interop.software_heritage import SoftwareHeritage

Row = tuple[Any, ...]

# All columns but those that say when a row was written, or are numbers of the database's own.
TABLES = {
    "content": "sha1, sha1_git, sha256, blake2s256, length, status",
    "skipped_content": "sha1, sha1_git, sha256, blake2s256, length, status, reason",
    "directory": "id, (SELECT array_agg((name, target, perms) ORDER BY name) FROM directory_entry_file f "
    "WHERE f.id = ANY(directory.file_entries)), (SELECT array_agg((name, target, perms) ORDER BY name) FROM "
    "directory_entry_dir d WHERE d.id = ANY(directory.dir_entries)), "
    "(SELECT array_agg((name, target, perms) ORDER BY name) FROM "
    "directory_entry_rev r WHERE r.id = ANY(directory.rev_entries)), raw_manifest",
    "release r JOIN person p ON p.id = r.author": "r.id, r.target, r.target_type, r.date, r.date_offset_bytes, "
    "r.name, r.comment, r.synthetic, r.raw_manifest, p.fullname",
    "snapshot JOIN snapshot_branches l ON l.snapshot_id = snapshot.object_id "
    "JOIN snapshot_branch b ON b.object_id = l.branch_id": "snapshot.id, b.name, b.target, b.target_type",
    "origin": "url",
    "origin_visit v JOIN origin o ON o.id = v.origin": "o.url, v.visit, v.type",
    "origin_visit_status s JOIN origin o ON o.id = s.origin": "o.url, s.visit, s.type, s.status, s.metadata, "
    "s.snapshot",
    "metadata_authority": "type, url",
}
# These are compared with what they say.
METADATA = (
    "SELECT m.format, m.type, m.target, a.type, a.url, m.origin, m.visit, m.snapshot, m.release, m.revision, m.path, "
    "m.directory, m.metadata FROM raw_extrinsic_metadata m JOIN metadata_authority a ON a.id = m.authority_id"
)
FETCHERS = "SELECT name, version FROM metadata_fetcher"


def read(storage: SoftwareHeritage, table: str) -> list[Row]:
    """The rows of one of `TABLES`."""
    return _query(storage, f"SELECT {TABLES[table]} FROM {table}")  # noqa: S608


def fetchers(storage: SoftwareHeritage) -> list[Row]:
    """Name and version of all that have fetched metadata."""
    return _query(storage, FETCHERS)


def metadata(storage: SoftwareHeritage) -> list[Row]:
    """The metadata documents; of the JSON ones what both loaders tell."""
    return [(*row[:-1], _said(row[0], row[-1])) for row in _query(storage, METADATA)]


def new(before: list[Row], after: list[Row]) -> list[Row]:
    """What was added."""
    return sorted((Counter(after) - Counter(before)).elements(), key=repr)


def _query(storage: SoftwareHeritage, statement: str) -> list[Row]:
    found = storage.query(statement)
    return [tuple(bytes(x) if isinstance(x, memoryview) else x for x in row) for row in found]


def _said(form: str, document: bytes) -> str:
    if form != "original-artifacts-json":
        return document.decode()
    told = json.loads(document)
    if isinstance(told, dict):
        del told["tool"]
    else:
        told = [(each["length"], each["checksums"]["sha256"]) for each in told]
    return json.dumps(told, sort_keys=True)
