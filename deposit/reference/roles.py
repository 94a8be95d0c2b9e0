"""``docs/reference/roles.md``, made from the table that decides."""

from collections.abc import Iterable

from deposit.permissions import SCOPES, TABLE, Operation, Role

_MEANING = {
    Operation.DEPOSIT: "create a deposit in a collection",
    Operation.CHANGE: "add to, replace, complete or delete a partial deposit; update the metadata of a loaded one",
    Operation.READ: "see that a deposit exists, its status, receipt, findings and history",
    Operation.READ_CONTENT: "download what was sent: packages, metadata documents, bags",
    Operation.READ_ARCHIVED: "browse and download what is archived; see title, authors and identifiers",
    Operation.RECHECK: "have a rejected or failed deposit checked again",
    Operation.RESCHEDULE: "have a failed or loaded deposit loaded again",
    Operation.EXPIRE: "give up a partial deposit",
    Operation.SEE_QUEUES: "see queues, workers and figures of the whole service",
    Operation.ADMINISTER: "make and change accounts, collections, roles and tokens",
    Operation.READ_AUDIT: "read and export the audit",
    Operation.REQUEST_DELETION: "ask for a deposit that is done to be withdrawn, or restored",
    Operation.REVIEW_DELETION: "approve or reject what somebody else has asked for",
    Operation.REQUEST_ERASURE: "ask for a deposit that is done, or files of it, to be erased; see the plan",
    Operation.REVIEW_ERASURE: "approve or reject an erasure that somebody else has asked for",
}

_HEAD = """# Roles

Who may what. This page is made from the table in `deposit/permissions.py` that every service and selector asks; a
test compares the two, and another tries every line of it at every door.

A user may have several roles, and is **anybody** too: so is who does not log in. A **depositor** is a client that is
a member of a collection (`manage.py user create`, `user grant`). A **source** is the machine client of a watched folder
or bucket (`manage.py source add`): no password opens it, and it brings deposits and no more. A **curator** looks after
a collection (`manage.py role grant --role curator --collection NAME`). An **operator** and an **administrator** belong
to the Django groups `operators` and `administrators` (`manage.py role grant --role operator`); a superuser is an
administrator too. Whoever stands at the machine and runs `manage.py` is an administrator.

What a role does not reach does not exist for it: a foreign deposit is the same 404 as one that nobody made, in
addresses, lists, counts and entity tags. A deposit that a role sees but may not act on is a 403. Who has not logged in
is asked to, with a 401 or the log-in page, whether there is something to see or not.

"""

_TAIL = """
A collection is **closed** unless it says otherwise: operators see its deposits but not their content. Members of a
shared collection do not see each other's deposits. Changing a deposit takes membership of its collection as well: a
client that was removed from it reads what it deposited, and changes nothing.

A collection is **public** if it says so (`manage.py collection set --name NAME --public`, or the admin site): then
everybody reads what is archived of its deposits that are done, at `/archive/` and on the deposit's page, without
logging in. Packages as they were sent, bags, findings, history and every other status stay with those who see the
deposit. Credentials that are no good are a 401 there too.

The SWORD 2 door is for depositors: it answers 403 to users who are no client. A client that curates too finds the
deposits of its collections there by their addresses.

A deposit is **withdrawn** when two people say so ([Withdraw a deposit](../how-to/withdraw-a-deposit.md)). Then its
content is read only by the curators of its collection and by administrators, who can restore it; operators see that it
exists. For all others there is nothing but its tombstone (410).

## On behalf of others

A membership may say that the client **mediates**: then `On-Behalf-Of: NAME` deposits for another member of the same
collection. The deposit belongs to the owner, its history and statements name both. Clients that do not mediate get 412,
an owner who is no member 403. On behalf of an owner a client sees the owner's deposits in the collections in which it
mediates, and no others. The header works at every door that takes an Authorization header: SWORD 2, SWORD 3, the JSON
API, the archive. Nobody operates or administers on behalf of others.

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
