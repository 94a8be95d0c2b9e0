"""Moving in from a Passari database: all of it, twice without harm, and nothing preserved anew."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sources.museumplus.models import MuseumAttachment, MuseumObject, MuseumPackage, SyncStatus
from sources.museumplus.moving_in import ALEMBIC_HEAD, Moved, move_in

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = f"""
CREATE SCHEMA passari;
SET LOCAL search_path = passari;
CREATE TYPE freezesource AS ENUM ('USER', 'AUTOMATIC');
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('{ALEMBIC_HEAD}');
CREATE TABLE museum_attachments (id bigint PRIMARY KEY, filename text, modified_date timestamptz,
    created_date timestamptz, metadata_hash varchar(64));
CREATE TABLE museum_objects (id bigint PRIMARY KEY, title text, preserved boolean, frozen boolean, freeze_reason text,
    freeze_source freezesource, created_date timestamptz, modified_date timestamptz, metadata_hash varchar(64),
    attachment_metadata_hash varchar(64), latest_package_id bigint);
CREATE TABLE museum_packages (id bigserial PRIMARY KEY, sip_filename varchar(255) UNIQUE, sip_id varchar(255),
    object_modified_date timestamptz, created_date timestamptz, metadata_hash varchar(64),
    attachment_metadata_hash varchar(64), downloaded boolean, packaged boolean, uploaded boolean, rejected boolean,
    preserved boolean, cancelled boolean DEFAULT false, museum_object_id bigint REFERENCES museum_objects);
CREATE TABLE object_attachment_association (museum_object_id bigint, museum_attachment_id bigint);
CREATE TABLE package_attachment_association (museum_package_id bigint, museum_attachment_id bigint);
CREATE TABLE sync_statuses (name varchar(255) PRIMARY KEY, start_sync_date timestamptz,
    prev_start_sync_date timestamptz, "offset" bigint);
INSERT INTO museum_attachments VALUES (10, 'a.jpg', '2019-01-01Z', NULL, repeat('c', 64)), (11, NULL, NULL, NULL, NULL);
INSERT INTO museum_objects VALUES
    (1, 'Spoon', true, false, NULL, NULL, '2018-01-01Z', '2019-01-01Z', repeat('a', 64), '', 501),
    (2, 'Fork', false, true, 'MPO JPEG files not supported', 'AUTOMATIC', NULL, NULL, repeat('b', 64), '', NULL),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO museum_packages VALUES
    (500, '20180101_Object_1.tar', NULL, '2018-01-01Z', '2018-02-01Z', NULL, NULL, true, true, true, true, false,
        false, 1),
    (501, '20190101_Object_1-x.tar', 'x', '2019-01-01Z', '2019-02-01Z', repeat('a', 64), '', true, true, true, false,
        true, false, 1),
    (502, '20190101_Object_9-x.tar', 'x', NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, true, NULL);
INSERT INTO object_attachment_association VALUES (1, 10), (3, 11);
INSERT INTO package_attachment_association VALUES (501, 10);
INSERT INTO sync_statuses VALUES ('sync_objects', NULL, '2020-01-01Z', 0);
"""  # noqa: S608


@pytest.fixture
def passari() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN;" + SCHEMA + "COMMIT")
        parameters = connection.get_connection_params()
    told = {key: parameters.get(key) for key in ("user", "password", "host", "port")}
    query = "&".join(f"{key}={str(value).replace('/', '%2F')}" for key, value in told.items() if value)
    yield f"postgresql:///{parameters['dbname']}?{query}&options=-csearch_path%3Dpassari"
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA passari CASCADE")


def test_everything_is_taken_over_once(passari: str) -> None:
    wanted = Moved(objects=3, attachments=2, packages=2, frozen=1, links=2, orphans=1)
    assert move_in(passari, dry_run=True) == wanted
    assert not MuseumObject.objects.exists()
    for _ in range(2):
        assert move_in(passari) == wanted
    spoon, fork, unknown = MuseumObject.objects.order_by("pk")
    assert spoon.preserved
    assert spoon.latest_package is not None
    assert (spoon.latest_package.sip_filename, spoon.latest_package.preserved) == (
        "20190101_Object_1-x.tar",
        True,
    )
    assert [attachment.pk for attachment in spoon.attachments.all()] == [10]
    assert [attachment.pk for attachment in spoon.latest_package.attachments.all()] == [10]
    assert (fork.frozen, fork.freeze_reason, fork.freeze_source) == (
        True,
        "MPO JPEG files not supported",
        "automatic",
    )
    assert unknown.metadata_hash is None
    assert MuseumPackage.objects.get(sip_filename="20180101_Object_1.tar").rejected
    assert MuseumAttachment.objects.count() == 2
    assert SyncStatus.objects.get().prev_start_sync_date == datetime(2020, 1, 1, tzinfo=UTC)
    assert not MuseumObject.objects.pending().exists()
    made_here = MuseumPackage.objects.create(museum_object=fork, sip_filename="new.tar")
    assert made_here.pk not in (500, 501)


def test_what_is_further_here_stays_so(passari: str) -> None:
    move_in(passari)
    MuseumObject.objects.filter(pk=1).update(modified_date=datetime(2021, 1, 1, tzinfo=UTC), title="Ladle")
    newer = MuseumPackage.objects.create(museum_object_id=1, sip_filename="newer.tar")
    MuseumObject.objects.filter(pk=1).update(latest_package=newer)
    move_in(passari)
    spoon = MuseumObject.objects.get(pk=1)
    assert (spoon.title, spoon.latest_package) == ("Ladle", newer)
    assert spoon.modified_date == datetime(2021, 1, 1, tzinfo=UTC)


def test_another_version_is_refused(passari: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE passari.alembic_version SET version_num = 'f16eb991c113'")
    with pytest.raises(CommandError, match="f16eb991c113"):
        call_command("museum_import", "--database", passari)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("museum_import", "--database", "postgresql://127.0.0.1:1/none")


def test_what_changed_there_since_the_first_import_is_taken_over(passari: str) -> None:
    move_in(passari)
    MuseumObject.objects.filter(pk=3).update(
        metadata_hash="d" * 64, modified_date=datetime(2021, 1, 1, tzinfo=UTC)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE passari.museum_objects SET metadata_hash = repeat('e', 64), modified_date = '2020-06-01Z',"
            " frozen = true, freeze_source = 'USER' WHERE id IN (1, 3)"
        )
    move_in(passari)
    rows = MuseumObject.objects.filter(pk__in=(1, 3)).order_by("pk")
    assert [row.metadata_hash for row in rows] == ["e" * 64, "d" * 64]
    assert [row.freeze_reason for row in rows] == ["Frozen in Passari without a reason"] * 2
