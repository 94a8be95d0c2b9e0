"""Every line of the table of roles, tried at every door."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as HttpClient

from archive.identifiers import SWHID as SWHID_OF
from archive.identifiers import ObjectType
from archive.ingest import Ingest
from archive.tree import Tree
from deposit.actors import Actor, Door, machine
from deposit.lifecycle import TransitionRefused
from deposit.models import Client, Collection, Curatorship, Deposit, Part
from deposit.permissions import TABLE, Operation, Reach, Role
from deposit.refusals import Kind, Refusal
from deposit.roles_page import page
from deposit.services import operations, roles
from tests.factories import http_client, new_client, new_collection, new_deposit

O = Operation  # noqa: E741
YES, NO, NOTHING = "yes", "403", "404"
SWHID = "swh:1:dir:" + "1" * 40

# Who tries, and what they are beside being clients of a collection of no interest.
PERSONAS: dict[str, set[Role]] = {
    "owner": {Role.DEPOSITOR},
    "neighbour": {Role.DEPOSITOR},
    "curator": {Role.CURATOR},
    "operator": {Role.OPERATOR},
    "administrator": {Role.ADMINISTRATOR},
    "stranger": set(),
}


@dataclass
class World:
    """A closed and an open collection, with a deposit of the owner in each."""

    clients: dict[str, Client] = field(default_factory=dict)
    deposits: dict[str, Deposit] = field(default_factory=dict)

    def actor(self, who: str, door: Door = Door.DASHBOARD) -> Actor:
        return Actor(user=type(self.clients[who].user).objects.get(pk=self.clients[who].user.pk), door=door)

    def basic(self, who: str) -> HttpClient:
        return http_client(self.clients[who])

    def browser(self, who: str) -> HttpClient:
        http = HttpClient()
        http.force_login(self.clients[who].user)
        return http


@pytest.fixture
def world(db: None) -> World:
    elsewhere = new_collection("elsewhere")
    places = {"closed": new_collection("closed"), "open": new_collection("open")}
    Collection.objects.filter(name="open").update(closed=False)
    made = World()
    for who, has in PERSONAS.items():
        member_of = places.values() if Role.DEPOSITOR in has else [elsewhere]
        made.clients[who] = new_client(*member_of, username=who)
        for role in has & set(roles.GROUPS):
            roles.grant(actor=machine(Door.COMMAND), username=who, role=role)
    for name, place in places.items():
        Curatorship.objects.create(user=made.clients["curator"].user, collection=place)
        deposit = new_deposit(made.clients["owner"], place)
        Part.objects.create(
            deposit=deposit, kind="metadata", content_type="x", size=1, sha256="0" * 64, document=b"<entry/>"
        )
        Deposit.objects.filter(pk=deposit.pk).update(
            status="done",
            swhid=SWHID,
            swhid_context=f"{SWHID};origin=https://hal.example.org/soft",
            origin_url="https://hal.example.org/soft",
            complete_date=deposit.reception_date,
            verified_date=deposit.reception_date,
        )
        made.deposits[name] = Deposit.objects.get(pk=deposit.pk)
    return made


def expected(who: str, operation: Operation, place: str) -> str:
    """What the table says of a persona and the deposit in a collection."""
    holds = {
        Reach.ALL: True,
        Reach.OWN: who == "owner",
        Reach.MEMBER: Role.DEPOSITOR in PERSONAS[who],
        Reach.CURATED: who == "curator",
        Reach.OPEN: place == "open",
    }

    def may(asked: Operation) -> bool:
        return any(holds[TABLE[role][asked]] for role in PERSONAS[who] if asked in TABLE[role])

    if may(operation):
        return YES
    return NO if may(Operation.READ) else NOTHING


@contextmanager
def undone() -> Iterator[None]:
    """What a door is tried with leaves no trace for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def answer(response: Any) -> str:
    status = response.status_code
    # 409 and 400: it may, but the deposit is not in a state for it; 415: it may, but not with this body.
    return {200: YES, 302: YES, 400: YES, 409: YES, 415: YES, 403: NO, 404: NOTHING}[status]


def by_service(operation: Operation) -> Callable[[World, str, Deposit], str]:
    service: Any = {
        O.RECHECK: operations.recheck,
        O.RESCHEDULE: operations.reschedule,
        O.EXPIRE: operations.expire,
    }[operation]

    def probe(world: World, who: str, deposit: Deposit) -> str:
        try:
            service(deposit_id=deposit.pk, actor=world.actor(who))
        except TransitionRefused:
            return YES
        except Refusal as refusal:
            return {Kind.FORBIDDEN: NO, Kind.NOT_FOUND: NOTHING}[refusal.kind]
        return YES

    return probe


def sword(segment: str) -> Callable[[World, str, Deposit], str]:
    return lambda world, who, deposit: answer(
        world.basic(who).get(f"/1/{deposit.collection.name}/{deposit.pk}/{segment}/")
    )


def act_by_api(name: str) -> Callable[[World, str, Deposit], str]:
    return lambda world, who, deposit: answer(
        world.basic(who).post(
            f"/api/deposits/{deposit.pk}/actions/", {"action": name}, content_type="application/json"
        )
    )


def page_of(suffix: str) -> Callable[[World, str, Deposit], str]:
    return lambda world, who, deposit: answer(world.browser(who).get(f"/deposits/{deposit.pk}/{suffix}"))


def sent_metadata(world: World, who: str, deposit: Deposit) -> str:
    part = Part.objects.get(deposit=deposit)
    return page_of(f"parts/{part.pk}/")(world, who, deposit)


def change(prefix: str, segment: str) -> Callable[[World, str, Deposit], str]:
    def probe(world: World, who: str, deposit: Deposit) -> str:
        address = f"{prefix}{deposit.collection.name}/{deposit.pk}/{segment}/"
        return answer(world.basic(who).put(address, b"x", content_type="text/plain"))

    return probe


def listed_by_api(world: World, who: str, deposit: Deposit) -> str:
    rows = world.basic(who).get("/api/deposits/").json()["results"]
    return YES if deposit.pk in [row["id"] for row in rows] else NOTHING


def listed_on_the_page(world: World, who: str, deposit: Deposit) -> str:
    shown = world.browser(who).get("/deposits/").content.decode()
    return YES if f"/deposits/{deposit.pk}/" in shown else NOTHING


PROBES: dict[tuple[str, Operation], Callable[[World, str, Deposit], str]] = {
    ("sword 2, status", O.READ): sword("status"),
    ("sword 2, receipt", O.READ): sword("atom"),
    ("sword 2, packages", O.READ_CONTENT): sword("media"),
    ("sword 2, metadata", O.CHANGE): change("/1/", "atom"),
    ("sword 2, packages replaced", O.CHANGE): change("/1/", "media"),
    ("sword 3, object", O.READ): lambda world, who, deposit: answer(
        world.basic(who).get(f"/3/object/{deposit.pk}/")
    ),
    ("api, deposit", O.READ): lambda world, who, deposit: answer(
        world.basic(who).get(f"/api/deposits/{deposit.pk}/")
    ),
    ("api, events", O.READ): lambda world, who, deposit: answer(
        world.basic(who).get(f"/api/deposits/{deposit.pk}/events/")
    ),
    ("api, list", O.READ): listed_by_api,
    ("api, recheck", O.RECHECK): act_by_api("recheck"),
    ("api, reschedule", O.RESCHEDULE): act_by_api("reschedule"),
    ("api, expire", O.EXPIRE): act_by_api("expire"),
    ("dashboard, page", O.READ): page_of(""),
    ("dashboard, list", O.READ): listed_on_the_page,
    ("dashboard, part", O.READ_CONTENT): sent_metadata,
    ("services, recheck", O.RECHECK): by_service(O.RECHECK),
    ("services, reschedule", O.RESCHEDULE): by_service(O.RESCHEDULE),
    ("services, expire", O.EXPIRE): by_service(O.EXPIRE),
}


@pytest.mark.parametrize(("door", "operation"), PROBES, ids=[name for name, _ in PROBES])
def test_each_door_lets_each_role_do_what_the_table_says(
    world: World, door: str, operation: Operation
) -> None:
    probe = PROBES[door, operation]
    tried, told = {}, {}
    for who in PERSONAS:
        for place, deposit in world.deposits.items():
            with undone():
                tried[who, place] = probe(world, who, deposit)
            told[who, place] = expected(who, operation, place)
    assert tried == told


def _archived(content: bytes) -> str:
    """The SWHID of a directory that is really in the archive."""
    with Ingest() as ingest:
        tree = Tree()
        tree.add_file(b"file", ingest.add_content(content))
        root = ingest.add_tree(tree)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return str(SWHID_OF(ObjectType.DIRECTORY, root))


@pytest.mark.parametrize("who", PERSONAS)
def test_archived_objects_are_for_those_who_may_read_content(world: World, who: str) -> None:
    for place, deposit in world.deposits.items():
        Deposit.objects.filter(pk=deposit.pk).update(swhid=_archived(place.encode()))
    for place in ("closed", "open"):
        swhid = Deposit.objects.get(pk=world.deposits[place].pk).swhid
        status = world.basic(who).head(f"/archive/{swhid}/").status_code
        told = expected(who, O.READ_CONTENT, place)
        assert (place, status) == (place, 200 if told == YES else 404)


@pytest.mark.parametrize("who", PERSONAS)
def test_members_alone_deposit(world: World, who: str) -> None:
    response = world.basic(who).post("/1/closed/", b"x", content_type="text/plain")
    assert response.status_code == (415 if Role.DEPOSITOR in PERSONAS[who] else 403)


@pytest.mark.parametrize("who", PERSONAS)
def test_queues_are_for_operators_and_the_audit_for_administrators(world: World, who: str) -> None:
    sees_queues = bool(PERSONAS[who] & {Role.OPERATOR, Role.ADMINISTRATOR})
    pages = {"/overview/": sees_queues, "/api/statistics/": True, "/api/health/": sees_queues}
    found = {address: world.browser(who).get(address).status_code == 200 for address in pages}
    assert found == pages
    audit = world.browser(who).get("/admin/deposit/auditrecord/export/").status_code
    assert audit == (200 if Role.ADMINISTRATOR in PERSONAS[who] else 403 if sees_queues else 302)


def test_the_admin_site_is_for_operators_and_administrators(world: World) -> None:
    address = f"/admin/deposit/deposit/{world.deposits['closed'].pk}/change/"
    inside = [who for who in PERSONAS if world.browser(who).get(address).status_code == 200]
    assert inside == ["operator", "administrator"]


def test_a_foreign_and_a_missing_deposit_are_the_same(world: World) -> None:
    mine = world.basic("stranger")
    foreign, missing = world.deposits["closed"].pk, 10**9

    def told(address: str) -> tuple[int, bytes]:
        response = mine.get(address)
        number = address.strip("/").split("/")[-2].encode()
        body = b"".join(line for line in response.content.splitlines() if b"updated" not in line)
        return response.status_code, body.replace(number, b"N")

    for address in ("/1/elsewhere/{}/status/", "/1/closed/{}/status/", "/api/deposits/{}/events/"):
        assert told(address.format(foreign)) == told(address.format(missing))


def test_who_was_removed_from_a_collection_reads_and_changes_nothing(world: World) -> None:
    world.clients["owner"].collections.clear()
    deposit = new_deposit(world.clients["owner"], world.deposits["closed"].collection)
    address = f"/1/closed/{deposit.pk}"
    assert world.basic("owner").get(f"{address}/status/").status_code == 200
    assert world.basic("owner").delete(f"{address}/atom/").status_code == 403
    assert Deposit.objects.filter(pk=deposit.pk).exists()


def test_the_page_of_roles_is_the_one_that_the_table_makes() -> None:
    written = Path(__file__).parents[2] / "docs" / "reference" / "roles.md"
    assert written.read_text() == page()
