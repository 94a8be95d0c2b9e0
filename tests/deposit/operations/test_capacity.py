"""What is outgrown first: by numbers that can be followed with a pencil, and by the command."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from deposit.operations.capacity import GB, Costs, Load, Machines, Reached, costs_here, moment_at, simulate

LOAD = Load(deposits_a_day=1000, contents=100, directories=10, stored_bytes=10e6, peak=5)
MACHINES = Machines()
COSTS = Costs()


def found(name: str, load: Load = LOAD, machines: Machines = MACHINES, contents: float = 1e9) -> Reached:
    return next(one for one in simulate(load, machines, COSTS, contents) if one.limit.name.startswith(name))


def test_a_moment_is_what_came_in_until_then() -> None:
    moment = moment_at(LOAD, 1e8)
    assert moment == (1000, 1e6, 1e8, 1e7, 1e13)
    assert moment.objects == 1.1e8


def test_a_limit_is_passed_where_the_numbers_say() -> None:
    # 100 GB a second read, a day to do it in: 10 MB for each 100 contents fill it at 86.4e9 contents.
    machines = replace(MACHINES, read_rate=100e9, audit_days=1)
    reading = found("reading all packs", machines=machines, contents=1e12)
    assert reading.first is not None
    assert reading.first.contents == pytest.approx(86.4e9, rel=1e-6)
    assert found("reading all packs", machines=machines).first is None


def test_what_a_load_needs_at_once_is_too_much_from_the_first_day() -> None:
    processors = found("processors", replace(LOAD, deposits_a_day=1e7))
    assert processors.first is not None
    assert processors.first.days < 1
    # 1000 a day, five times as many in the busiest hour: 5000 / 86400 * (0.014 + 100 * 26e-6) seconds.
    assert found("processors").needed == pytest.approx(5000 / 86400 * 0.0166, rel=1e-6)


def test_what_comes_first_stands_first() -> None:
    reached = simulate(LOAD, MACHINES, COSTS, 1e9)
    passed = [one.first.contents for one in reached if one.first]
    assert passed == sorted(passed)
    assert [one.first is None for one in reached] == sorted(one.first is None for one in reached)


def test_memory_for_the_indexes_puts_off_all_that_waits_for_the_disk() -> None:
    busy = replace(LOAD, deposits_a_day=1_000_000)
    little, enough = (replace(MACHINES, database_memory=size * GB) for size in (32, 4000))
    assert found("pages that loads read", busy, little).first is not None
    assert found("pages that loads read", busy, enough).needed == 0
    assert found("making the index", busy, enough).needed < found("making the index", busy, little).needed


@pytest.mark.django_db
def test_an_empty_database_tells_nothing_of_costs() -> None:
    assert costs_here() is None


@pytest.mark.django_db
def test_a_database_with_enough_objects_tells_what_they_take() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO archive_pack (sha256, size) VALUES (sha256('x'), 1) RETURNING id")
        (pack,) = cursor.fetchone()
        cursor.execute(
            """
            INSERT INTO archive_object (length, "offset", stored, pack_id, position, branching, kind, sha1_git, sha256)
            SELECT 1, n, 1, %s, 512, 0, 0, substring(sha256(n::text::bytea) for 20), sha256(n::text::bytea)
            FROM generate_series(1, 100000) n
            """,
            [pack],
        )
        cursor.execute("ANALYZE archive_object")
    costs = costs_here()
    assert costs is not None
    assert 120 < costs.row_bytes < 200
    assert 20 < costs.sha256_bytes < 80


@pytest.mark.django_db
def test_the_command_tells_it_to_people_and_to_programs() -> None:
    out = StringIO()
    call_command("capacity", "--deposits-a-day", "20000", stdout=out)
    assert "TOO LITTLE  indexes in the database's memory" in out.getvalue()
    assert "enough      processors" in out.getvalue()
    out = StringIO()
    call_command("capacity", "--json", stdout=out)
    assert {"what", "passed_at_contents", "remedy"} <= set(json.loads(out.getvalue())[0])


@pytest.mark.parametrize("words", [["--contents", "0"], ["--hosts", "-1"], ["--until", "nan"]])
@pytest.mark.django_db
def test_numbers_that_are_none_are_refused(words: list[str]) -> None:
    with pytest.raises(CommandError, match="above 0"):
        call_command("capacity", *words)
