"""Every line of the table of roles, tried at every door."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as HttpClient

from archive.identifiers import SWHID as SWHID_OF
from archive.identifiers import ObjectType
from archive.ingest import Ingest
from archive.objects import Snapshot
from archive.tree import Tree
from deposit.actors import Actor, AnonymousActor, Channel, system_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import Client, Collection, Curatorship, Deposit, Finding, Part
from deposit.permissions import TABLE, Operation, Reach, Role, forbidden, may_service
from deposit.reference.roles import page
from deposit.refusals import Kind, Refusal
from deposit.services import operations, roles
from tests.support.factories import basic, http_client, new_client, new_collection, new_deposit

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
    # Who shows no credentials at all.
    "anybody": {Role.ANYBODY},
}


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


def ingest_visit(url: str) -> str:
    """The SWHID of the snapshot that was found at an origin."""
    with Ingest() as ingest:
        root = ingest.add_tree(Tree())
        snapshot = ingest.add_snapshot(Snapshot({b"HEAD": SWHID_OF(ObjectType.DIRECTORY, root)}))
        ingest.add_visit(url, snapshot=snapshot, date=datetime.now(UTC))
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return str(SWHID_OF(ObjectType.SNAPSHOT, snapshot))


@dataclass
class World:
    """A closed, an open and a public collection, with a deposit of the owner in each."""

    clients: dict[str, Client] = field(default_factory=dict)
    deposits: dict[str, Deposit] = field(default_factory=dict)

    def actor(self, who: str, channel: Channel = Channel.DASHBOARD) -> Actor:
        if who not in self.clients:
            return AnonymousActor(channel=channel)
        return Actor(
            user=type(self.clients[who].user).objects.get(pk=self.clients[who].user.pk), channel=channel
        )

    def basic(self, who: str) -> HttpClient:
        return http_client(self.clients[who]) if who in self.clients else HttpClient()

    def browser(self, who: str) -> HttpClient:
        http = HttpClient()
        if who in self.clients:
            http.force_login(self.clients[who].user)
        return http


@pytest.fixture
def world(db: None) -> World:
    elsewhere = new_collection("elsewhere")
    places = {name: new_collection(name) for name in ("closed", "open", "public")}
    Collection.objects.filter(name="open").update(closed=False)
    Collection.objects.filter(name="public").update(public=True)
    made = World()
    for who, has in PERSONAS.items():
        if who == "anybody":
            continue
        member_of = places.values() if Role.DEPOSITOR in has else [elsewhere]
        made.clients[who] = new_client(*member_of, username=who)
        for role in has & set(roles.GROUPS):
            roles.grant(actor=system_actor(Channel.COMMAND), username=who, role=role)
    for name, place in places.items():
        Curatorship.objects.create(user=made.clients["curator"].user, collection=place)
        deposit = new_deposit(made.clients["owner"], place)
        Part.objects.create(
            deposit=deposit, kind="metadata", content_type="x", size=1, sha256="0" * 64, document=b"<entry/>"
        )
        swhid = _archived(name.encode())
        Deposit.objects.filter(pk=deposit.pk).update(
            status="done",
            swhid=swhid,
            swhid_context=f"{swhid};origin=https://hal.example.org/soft",
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
        Reach.PUBLIC: place == "public",
    }

    def may(asked: Operation) -> bool:
        roles_of = PERSONAS[who] | {Role.ANYBODY}
        return any(holds[TABLE[role][asked]] for role in roles_of if asked in TABLE[role])

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
    if response.streaming:
        response.getvalue()
    if status == 401 or response.get("Location", "").startswith("/login/"):
        return NOTHING
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


def whole_page(world: World, who: str, deposit: Deposit) -> str:
    response = world.browser(who).get(f"/deposits/{deposit.pk}/")
    # Who may read no more than what is archived is shown another page.
    is_landing = "dashboard/landing.html" in [template.name for template in response.templates]
    return NOTHING if is_landing else answer(response)


def sent_metadata(world: World, who: str, deposit: Deposit) -> str:
    part = Part.objects.get(deposit=deposit)
    return page_of(f"parts/{part.pk}/")(world, who, deposit)


def change(prefix: str, segment: str) -> Callable[[World, str, Deposit], str]:
    def probe(world: World, who: str, deposit: Deposit) -> str:
        address = f"{prefix}{deposit.collection.name}/{deposit.pk}/{segment}/"
        return answer(world.basic(who).put(address, b"x", content_type="text/plain"))

    return probe


def listed_by_api(world: World, who: str, deposit: Deposit) -> str:
    rows = world.basic(who).get("/api/deposits/").json().get("results", [])
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
    ("api, bag", O.READ_CONTENT): lambda world, who, deposit: answer(
        world.basic(who).get(f"/archive/deposit/{deposit.pk}/bag/")
    ),
    ("dashboard, page", O.READ): whole_page,
    ("dashboard, folder", O.READ_ARCHIVED): page_of("files/"),
    ("dashboard, file", O.READ_ARCHIVED): page_of("raw/file"),
    ("dashboard, tar", O.READ_ARCHIVED): page_of("tar/"),
    ("dashboard, zip", O.READ_ARCHIVED): page_of("zip/"),
    ("dashboard, list", O.READ): listed_on_the_page,
    ("dashboard, part", O.READ_CONTENT): sent_metadata,
    ("services, recheck", O.RECHECK): by_service(O.RECHECK),
    ("services, reschedule", O.RESCHEDULE): by_service(O.RESCHEDULE),
    ("services, expire", O.EXPIRE): by_service(O.EXPIRE),
}


@pytest.mark.parametrize(("channel", "operation"), PROBES, ids=[name for name, _ in PROBES])
def test_each_door_lets_each_role_do_what_the_table_says(
    world: World, channel: str, operation: Operation
) -> None:
    probe = PROBES[channel, operation]
    tried, told = {}, {}
    for who in PERSONAS:
        for place, deposit in world.deposits.items():
            with undone():
                tried[who, place] = probe(world, who, deposit)
            told[who, place] = expected(who, operation, place)
    assert tried == told


def seen_in_the_archive(world: World, who: str) -> dict[str, int]:
    return {
        place: world.basic(who).head(f"/archive/{deposit.swhid}/").status_code
        for place, deposit in world.deposits.items()
    }


@pytest.mark.parametrize("who", PERSONAS)
def test_archived_objects_are_for_those_who_may_read_them(world: World, who: str) -> None:
    otherwise = 401 if who == "anybody" else 404
    told = {place: expected(who, O.READ_ARCHIVED, place) for place in world.deposits}
    assert seen_in_the_archive(world, who) == {p: 200 if may == YES else otherwise for p, may in told.items()}


@pytest.mark.parametrize("who", PERSONAS)
def test_an_origin_is_told_to_those_who_may_read_what_came_of_it(world: World, who: str) -> None:
    public, url = world.deposits["public"], "https://hal.example.org/of-the-public-one"
    snapshot = ingest_visit(url)
    Deposit.objects.filter(pk=public.pk).update(snapshot_swhid=snapshot, origin_url=url)
    answer_told = world.basic(who).get("/archive/origin/", {"url": url})
    assert [visit["snapshot"] for visit in answer_told.json()["visits"]] == [snapshot]
    Collection.objects.update(public=False)
    hidden = world.basic(who).get("/archive/origin/", {"url": url})
    told = {YES: 200, NO: 404, NOTHING: 404}[expected(who, O.READ_ARCHIVED, "closed")]
    assert hidden.status_code == (401 if who == "anybody" else told)


def test_the_public_sees_nothing_of_what_is_not_done_or_not_public_any_more(world: World) -> None:
    public = world.deposits["public"]
    page, http = f"/deposits/{public.pk}/", HttpClient()

    def seen() -> tuple[int, int]:
        return seen_in_the_archive(world, "anybody")["public"], http.get(page).status_code

    assert seen() == (200, 200)
    Deposit.objects.filter(pk=public.pk).update(status="verified")
    assert seen() == (200, 200), "it is being loaded again: what was handed out stays"
    known = Deposit.objects.filter(pk=public.pk).values("swhid", "swhid_context").get()
    Deposit.objects.filter(pk=public.pk).update(swhid=None, swhid_context=None)
    assert seen() == (401, 302)
    Deposit.objects.filter(pk=public.pk).update(status="done", **known)
    Collection.objects.update(public=False)
    assert seen() == (401, 302)


@pytest.mark.parametrize("who", ["anybody", "stranger"])
def test_a_public_deposit_has_a_page_that_tells_no_more_than_is_public(world: World, who: str) -> None:
    deposit = world.deposits["public"]
    Finding.objects.create(
        deposit=deposit, area="metadata", code="x", severity="warning", message="a secret finding"
    )
    Deposit.objects.filter(pk=deposit.pk).update(title="A public title")
    page_told = world.browser(who).get(f"/deposits/{deposit.pk}/").content.decode()
    assert "A public title" in page_told
    assert str(deposit.swhid) in page_told
    assert f"/deposits/{deposit.pk}/files/" in page_told
    assert [word for word in ("a secret finding", "owner", "parts/") if word in page_told] == []


def test_what_is_not_public_and_what_is_missing_ask_the_public_alike_to_log_in(world: World) -> None:
    http, hidden = HttpClient(), world.deposits["closed"]

    def told(address: str, number: object) -> tuple[int, str, bytes]:
        response = http.get(address.format(number))
        place = response.get("Location", "").replace(str(number), "N")
        return response.status_code, place, response.content

    for address in ("/deposits/{}/", "/deposits/{}/files/", "/deposits/{}/raw/file", "/deposits/{}/tar/"):
        assert told(address, hidden.pk) == told(address, 10**9)
    assert told("/archive/{}/", hidden.swhid) == told("/archive/{}/", SWHID)


def test_bad_credentials_are_refused_for_public_objects_too(world: World) -> None:
    swhid = world.deposits["public"].swhid
    http = HttpClient(headers={"Authorization": basic("owner", "wrong")})
    assert http.get(f"/archive/{swhid}/").status_code == 401


def test_nobody_is_the_machine_by_mistake() -> None:
    with pytest.raises(TypeError):
        Actor(user=None, channel=Channel.COMMAND)
    anybody = AnonymousActor(channel=Channel.ARCHIVE)
    assert [operation for operation in Operation if may_service(anybody, operation)] == []
    assert {
        operation for operation in Operation if may_service(system_actor(Channel.COMMAND), operation)
    } == {operation for operation in Operation if operation in TABLE[Role.ADMINISTRATOR]}


@pytest.mark.parametrize("who", PERSONAS)
def test_members_alone_deposit(world: World, who: str) -> None:
    response = world.basic(who).post("/1/closed/", b"x", content_type="text/plain")
    refused = {"anybody": 401, "stranger": 404}.get(who, 403)
    assert response.status_code == (415 if Role.DEPOSITOR in PERSONAS[who] else refused)


@pytest.mark.parametrize("who", PERSONAS)
def test_queues_are_for_operators_and_the_audit_for_administrators(world: World, who: str) -> None:
    sees_queues = bool(PERSONAS[who] & {Role.OPERATOR, Role.ADMINISTRATOR})
    logged_in = who != "anybody"
    pages = {"/overview/": sees_queues, "/api/statistics/": logged_in, "/api/health/": sees_queues}
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


@pytest.mark.parametrize("operation", Operation)
def test_who_may_not_is_told_who_may(operation: Operation) -> None:
    told = forbidden(system_actor(Channel.COMMAND), operation).summary
    named = [role for role in Role if f"{role}s" in told]
    assert named == [role for role, row in TABLE.items() if operation in row and role is not Role.ANYBODY]


def test_who_may_it_elsewhere_is_told_where() -> None:
    told = forbidden(system_actor(Channel.COMMAND), Operation.READ_CONTENT).summary
    assert "operators (deposits of collections that are not closed) and administrators." in told
