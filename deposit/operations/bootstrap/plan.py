"""What a bootstrap is to bring about, read from the tables of a TOML or JSON file. Pure.

Every mistake is a `PlanError` that names its place: ``collections[2].destinations: a list of texts is needed``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Table = Mapping[str, Any]
T = TypeVar("T")


class PlanError(Exception):
    """What is wrong in the plan, and where."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """How the database and its role are made when they are not there."""

    admin_url: str = ""
    admin_url_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Administrator:
    """The first administrator; made only when there is none at all."""

    username: str = "admin"
    email: str = ""
    password_file: str = ""


@dataclass(frozen=True, kw_only=True)
class CollectionPlan:
    """A collection: what is given is brought about, what is not given stays."""

    name: str
    title: str | None = None
    public: bool | None = None
    closed: bool | None = None
    profile: str | None = None
    profile_options: dict[str, Any] | None = None
    destinations: list[str] | None = None
    pipelines: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class ClientPlan:
    """A client that deposits, and the collections it deposits into."""

    username: str
    provider_url: str = ""
    domain: str = ""
    email: str = ""
    collections: list[str] = field(default_factory=list)
    password_file: str = ""
    password: bool = True


@dataclass(frozen=True, kw_only=True)
class UserPlan:
    """A person who deposits nothing: an operator, an administrator, a curator of collections."""

    username: str
    email: str = ""
    roles: list[str] = field(default_factory=list)
    curates: list[str] = field(default_factory=list)
    password_file: str = ""
    password: bool = True


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything; ``pipelines`` and ``sources`` are the options of their own commands."""

    database: Database = field(default_factory=Database)
    administrator: Administrator = field(default_factory=Administrator)
    collections: list[CollectionPlan] = field(default_factory=list)
    clients: list[ClientPlan] = field(default_factory=list)
    users: list[UserPlan] = field(default_factory=list)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)


def read_plan(table: Table) -> Plan:
    """The plan in a table as it was read; ``settings`` is the other half's. Raises `PlanError`."""
    known = {one.name for one in fields(Plan)} | {"settings"}
    _refuse_unknown(table, known, "the plan")
    return Plan(
        database=_one(Database, table.get("database", {}), "database"),
        administrator=_one(Administrator, table.get("administrator", {}), "administrator"),
        collections=_many(CollectionPlan, table, "collections"),
        clients=_many(ClientPlan, table, "clients"),
        users=_many(UserPlan, table, "users"),
        pipelines=_options(table, "pipelines", {"name"}),
        sources=_options(table, "sources", {"name", "kind"}),
    )


def _many(kind: type[T], table: Table, name: str) -> list[T]:
    return [_one(kind, row, f"{name}[{number}]") for number, row in enumerate(_rows(table, name), start=1)]


def _rows(table: Table, name: str) -> Sequence[Any]:
    rows = table.get(name, [])
    if not isinstance(rows, list):
        raise PlanError(f"{name}: a list of tables is needed, as [[{name}]] makes it.")
    return rows


def _one(kind: type[T], row: Any, place: str) -> T:
    if not isinstance(row, dict):
        raise PlanError(f"{place}: a table is needed.")
    expected = {one.name: str(one.type) for one in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(row, set(expected), place)
    for name, value in row.items():
        _require_type(value, expected[name], f"{place}.{name}")
    try:
        return kind(**row)
    except TypeError as error:
        raise PlanError(f"{place}: {error}.") from error


def _refuse_unknown(table: Table, known: set[str], place: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise PlanError(f"{place} has no {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")


def _require_type(value: Any, written: str, place: str) -> None:
    """Whether a value is of the type that its field has."""
    if "list[str]" in written:
        right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        wanted = "a list of texts"
    elif "dict" in written:
        right, wanted = isinstance(value, dict), "a table"
    elif "bool" in written:
        right, wanted = isinstance(value, bool), "true or false"
    else:
        right, wanted = isinstance(value, str), "a text"
    if not right:
        raise PlanError(f"{place}: {wanted} is needed.")


def _options(table: Table, name: str, needed: set[str]) -> list[dict[str, Any]]:
    rows = _rows(table, name)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not needed <= set(row):
            raise PlanError(f"{name}[{number}]: a table with {', '.join(sorted(needed))} is needed.")
    return list(rows)
