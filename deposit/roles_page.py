"""``docs/reference/roles.md``, made from the table that decides."""

from collections.abc import Iterable

from deposit.permissions import SCOPES, TABLE, Operation, Role

_MEANING = {
    Operation.DEPOSIT: "create a deposit in a collection",
    Operation.CHANGE: "add to, replace, complete or delete a partial deposit; update the metadata of a loaded one",
    Operation.READ: "see that a deposit exists, its status, receipt, findings and history",
    Operation.READ_CONTENT: "download packages and archived objects",
    Operation.RECHECK: "have a rejected or failed deposit checked again",
    Operation.RESCHEDULE: "have a failed or loaded deposit loaded again",
    Operation.EXPIRE: "give up a partial deposit",
    Operation.SEE_QUEUES: "see queues, workers and figures of the whole service",
    Operation.ADMINISTER: "make and change accounts, collections, roles and tokens",
    Operation.READ_AUDIT: "read and export the audit",
}

_HEAD = """# Roles

Who may what. This page is made from the table in `deposit/permissions.py` that every service and selector asks; a
test compares the two, and another tries every line of it at every door.

A user may have several roles. A **depositor** is a client that is a member of a collection (`manage.py user create`,
`user grant`). A **curator** looks after a collection (`manage.py role grant --role curator --collection NAME`). An
**operator** and an **administrator** belong to the Django groups `operators` and `administrators`
(`manage.py role grant --role operator`); a superuser is an administrator too. Whoever stands at the machine and runs
`manage.py` is an administrator.

What a role does not reach does not exist for it: a foreign deposit is the same 404 as one that nobody made, in
addresses, lists, counts and entity tags. A deposit that a role sees but may not act on is a 403.

"""

_TAIL = """
A collection is **closed** unless it says otherwise: operators see its deposits but not their content. Members of a
shared collection do not see each other's deposits. Changing a deposit takes membership of its collection as well: a
client that was removed from it reads what it deposited, and changes nothing.

The SWORD 2 door is for depositors: it answers 403 to users who are no client. A client that curates too finds the
deposits of its collections there by their addresses.

## On behalf of others

A membership may say that the client **mediates**: then `On-Behalf-Of: NAME` deposits for another member of the same
collection. The deposit belongs to the owner, its history and statements name both. Clients that do not mediate get 412,
an owner who is no member 403. Nobody operates or administers on behalf of others.

## Scopes of tokens

A token opens what its user may, and of that no more than its scopes say. No token administers, makes or revokes
tokens.

"""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page() -> str:
    """The whole page, as Markdown."""
    by_role = _table(
        ["operation", *Role, "which means to"],
        (
            [operation, *(TABLE[role].get(operation, "-") for role in Role), _MEANING[operation]]
            for operation in Operation
        ),
    )
    by_scope = _table(
        ["scope", "opens"],
        (
            [f"`{scope}`", ", ".join(operation for operation in Operation if operation in opened)]
            for scope, opened in SCOPES.items()
        ),
    )
    return _HEAD + by_role + _TAIL + by_scope
