"""Manifests and identifiers of directories, releases, snapshots and metadata, against swh.model's own."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from swh.model import model
from swh.model.swhids import CoreSWHID, ExtendedSWHID

from archive.errors import Damaged, InvalidObject
from archive.identifiers import SWHID, ObjectType, object_id
from archive.objects import (
    DIRECTORY,
    EXECUTABLE,
    FILE,
    SYMLINK,
    Alias,
    Entry,
    Metadata,
    Release,
    Snapshot,
    Timestamp,
    directory_manifest,
    read_directory,
    targets,
)

ID = bytes(range(20))
KINDS = {
    ObjectType.CONTENT,
    ObjectType.DIRECTORY,
    ObjectType.REVISION,
    ObjectType.RELEASE,
    ObjectType.SNAPSHOT,
}


def test_a_directory_is_ordered_and_identified_as_git_does() -> None:
    entries = [
        Entry(b"a.b", FILE, ID),
        Entry(b"a", DIRECTORY, ID),
        Entry(b"a0", EXECUTABLE, ID),
        Entry(b"\xff", SYMLINK, ID),
    ]
    types = {DIRECTORY: "dir"}
    theirs = model.Directory(
        entries=tuple(
            model.DirectoryEntry(name=name, type=types.get(mode, "file"), target=ID, perms=mode)
            for name, mode, _ in entries
        )
    )
    manifest = directory_manifest(entries)
    assert object_id(ObjectType.DIRECTORY, manifest) == theirs.id
    assert [entry.name for entry in read_directory(manifest)] == [b"a.b", b"a", b"a0", b"\xff"]


@pytest.mark.parametrize("cut", [1, 5, 20, 30])
def test_a_broken_directory_is_told(cut: int) -> None:
    manifest = directory_manifest([Entry(b"name", FILE, ID), Entry(b"other", FILE, ID)])
    with pytest.raises(Damaged):
        list(read_directory(manifest[:-cut]))


MOMENTS = [
    datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2020, 1, 2, 3, 4, 5, 120000, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("message", [None, b"", b"two\nlines\n"])
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("author", [b"Ada <ada@example.org>", b"Ada", b"The 3 of us <a> 4", b""])
def test_a_release_is_identified_as_swh_model_does(
    moment: datetime, message: bytes | None, kind: ObjectType, author: bytes
) -> None:
    release = Release(
        name=b"1.0\nodd",
        target=SWHID(kind, ID),
        message=message,
        author=author,
        date=Timestamp.of(moment),
    )
    theirs = model.Release(
        name=release.name,
        target=ID,
        target_type=model.ReleaseTargetType(kind.name.lower()),
        message=message,
        synthetic=True,
        author=model.Person.from_fullname(author),
        date=model.TimestampWithTimezone.from_datetime(moment),
    )
    assert release.id == theirs.id
    assert Release.parse(release.manifest()) == release


@pytest.mark.parametrize("author", [None, b"Ada <ada@example.org>"])
def test_a_release_without_a_date_is_identified_as_swh_model_does(author: bytes | None) -> None:
    release = Release(name=b"1", target=SWHID(ObjectType.DIRECTORY, ID), message=b"m", author=author)
    theirs = model.Release(
        name=b"1",
        target=ID,
        target_type=model.ReleaseTargetType.DIRECTORY,
        message=b"m",
        synthetic=True,
        author=None if author is None else model.Person.from_fullname(author),
    )
    assert release.id == theirs.id
    assert Release.parse(release.manifest()) == release


def test_a_date_without_an_author_is_refused() -> None:
    with pytest.raises(InvalidObject):
        Release(name=b"1", target=SWHID(ObjectType.DIRECTORY, ID), date=Timestamp(1)).manifest()


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidObject):
        Timestamp.of(datetime(2020, 1, 1))  # noqa: DTZ001 - what is refused


def test_a_snapshot_is_identified_as_swh_model_does() -> None:
    branches: dict[bytes, SWHID | Alias | None] = {kind.name.encode(): SWHID(kind, ID) for kind in KINDS}
    branches |= {b"HEAD": Alias(b"RELEASE"), b"gone": None}
    theirs: dict[bytes, model.SnapshotBranch | None] = {
        kind.name.encode(): model.SnapshotBranch(
            target=ID, target_type=model.SnapshotTargetType(kind.name.lower())
        )
        for kind in KINDS
    }
    alias = model.SnapshotBranch(target=b"RELEASE", target_type=model.SnapshotTargetType.ALIAS)
    theirs |= {b"HEAD": alias, b"gone": None}
    snapshot = Snapshot(branches)
    assert snapshot.id == model.Snapshot(branches=theirs).id
    assert Snapshot.parse(snapshot.manifest()) == snapshot
    assert Snapshot({}).id == model.Snapshot(branches={}).id


@pytest.mark.parametrize("target", [b"nowhere", b"HEAD"])
def test_an_alias_that_leads_nowhere_is_refused(target: bytes) -> None:
    with pytest.raises(InvalidObject):
        Snapshot({b"HEAD": Alias(target)}).manifest()


def metadata(**context: object) -> Metadata:
    return Metadata(
        target=SWHID(ObjectType.DIRECTORY, ID),
        format="sword-v2-atom-codemeta-v2",
        document=b"<entry/>\n",
        authority=("deposit_client", "https://hal.science/"),
        fetcher=("deposit server", "1.0"),
        discovery_date=datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        **context,  # type: ignore[arg-type]
    )


def test_metadata_is_identified_as_swh_model_does() -> None:
    core = {kind: SWHID(kind, ID) for kind in KINDS}
    ours = metadata(
        origin="https://hal.science/x",
        visit=3,
        snapshot=core[ObjectType.SNAPSHOT],
        release=core[ObjectType.RELEASE],
        revision=core[ObjectType.REVISION],
        path=b"/a\n\xff",
    )
    theirs = model.RawExtrinsicMetadata(
        target=ExtendedSWHID.from_string(str(ours.target)),
        discovery_date=ours.discovery_date,
        authority=model.MetadataAuthority(
            type=model.MetadataAuthorityType.DEPOSIT_CLIENT, url="https://hal.science/"
        ),
        fetcher=model.MetadataFetcher(name="deposit server", version="1.0"),
        format=ours.format,
        metadata=ours.document,
        origin=ours.origin,
        visit=3,
        snapshot=CoreSWHID.from_string(str(core[ObjectType.SNAPSHOT])),
        release=CoreSWHID.from_string(str(core[ObjectType.RELEASE])),
        revision=CoreSWHID.from_string(str(core[ObjectType.REVISION])),
        path=b"/a\n\xff",
    )
    assert ours.id == theirs.id
    parsed = Metadata.parse(ours.manifest())
    assert parsed.discovery_date == ours.discovery_date.replace(microsecond=0)
    assert parsed.id == ours.id


def test_metadata_on_an_origin_has_the_origin_as_target() -> None:
    origin = SWHID(ObjectType.ORIGIN, ID)
    one = Metadata(
        target=origin,
        format="original-artifacts-json",
        document=b"{}",
        authority=("registry", "https://archive.example/"),
        fetcher=("x", "1"),
        discovery_date=datetime(2020, 1, 1, tzinfo=UTC),
    )
    assert targets(ObjectType.METADATA, one.manifest()) == (ID, b"")


def test_words_with_spaces_are_refused_where_the_manifest_has_no_room() -> None:
    with pytest.raises(InvalidObject):
        Metadata(
            target=SWHID(ObjectType.DIRECTORY, ID),
            format="two words",
            document=b"",
            authority=("a", "b"),
            fetcher=("a", "b"),
            discovery_date=datetime(2020, 1, 1, tzinfo=UTC),
        ).manifest()


def test_targets_name_each_object_once_and_contents_last() -> None:
    one, two, three = bytes(20), b"\1" * 20, b"\2" * 20
    manifest = directory_manifest(
        [
            Entry(b"a", FILE, one),
            Entry(b"b", SYMLINK, one),
            Entry(b"c", DIRECTORY, two),
            Entry(b"d", FILE, three),
        ]
    )
    assert targets(ObjectType.DIRECTORY, manifest) == (two, one + three)
