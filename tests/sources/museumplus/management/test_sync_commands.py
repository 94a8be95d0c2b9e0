"""The three commands of the harvest."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from sources.museumplus.models import MuseumObject
from tests.support.museumplus import PASSWORD, USERNAME, museumplus

pytestmark = pytest.mark.django_db(transaction=True)


def told(name: str, *arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command(name, "--json", *arguments, stdout=out)
    answer = json.loads(out.getvalue())
    assert isinstance(answer, dict)
    return answer


def test_the_harvest_by_commands(settings: Settings, tmp_path: Path) -> None:
    with museumplus() as museum:
        settings.MUSEUMPLUS_URL, settings.PACKAGE_DIR = museum.url, str(tmp_path)
        settings.MUSEUMPLUS_USERNAME, settings.MUSEUMPLUS_PASSWORD = USERNAME, PASSWORD
        museum.add_object(1, multimedia=(10,))
        museum.add_multimedia(10, objects=(1,))
        assert told("sync_objects", "--dry-run")["dry_run"] is True
        assert not MuseumObject.objects.exists()
        assert told("sync_objects", "--save-progress")["inserted"] == 1
        assert told("sync_attachments", "--limit", "5", "--no-save-progress")["updated"] == 1
        assert told("sync_hashes") == {"iterated": 1, "updated": 1, "skipped": 0}
        out = StringIO()
        call_command("sync_hashes", stdout=out)
        assert out.getvalue() == "iterated: 1, updated: 0, skipped: 0\n"


def test_without_a_museumplus_the_commands_say_what_to_set(settings: Settings) -> None:
    settings.MUSEUMPLUS_URL = ""
    with pytest.raises(CommandError, match="MUSEUMPLUS_URL"):
        call_command("sync_objects")
