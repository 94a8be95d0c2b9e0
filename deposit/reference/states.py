"""``docs/reference/states.md``, made of the lifecycle's table and the invariants; a test compares the two.

``python manage.py shell -c "from deposit.states_page import page; print(page(), end='')"`` writes it anew.
"""

from deposit.lifecycle import TABLE, Lease
from deposit.models import STATUS_TEXTS, Status
from deposit.operations.invariants import INVARIANTS

_START = """\
# The life of a deposit

This page is made of the table in `deposit/lifecycle.py` and the invariants in
`deposit/operations/invariants.py`, and a test compares them.

## Statuses

| Status | Meaning |
|---|---|
"""
_EVENTS = """
## Events

Nothing else changes a status. Each event is one transaction that locks the deposit, looks into this table, writes the
new status and a line of the history. *Needs it*: the event is accepted only with the token of a lease that has not
passed; a worker that was silent for `LEASE_SECONDS` has lost it.

| Event | From | To | Who | Lease | Asks for |
|---|---|---|---|---|---|
"""
_AFTER = """
- `reschedule` needs a package that passed its checks once; for others there is `recheck`.
- `quarantine` needs that all `MAX_ATTEMPTS` attempts are used up.
- Besides these the history has lines that change no status, among them `create`, `add`, `replace`, `close`,
  `update-metadata`, `tell-of-expiry`, `ask` (a delivery needs a person's decision; once for each question) and
  `give-back`: a worker met a fault that is not the deposit's, says which, and the deposit waits for its next attempt.
  `import` brings a deposit of another server to the status that it had there.

## Invariants

What `manage.py doctor` looks for in the record, besides the files and the packs themselves.

| Code | What is wrong |
|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    lines = [_START]
    lines += [f"| `{status.value}` | {STATUS_TEXTS[status]} |\n" for status in Status]
    lines.append(_EVENTS)
    for name, rule in TABLE.items():
        sources = ", ".join(f"`{status}`" for status in Status if status in rule.sources)
        target = f"`{rule.target}`" if rule.target else "(stays)"
        lease = "" if rule.lease is Lease.NONE else str(rule.lease)
        wanted = [f"a {rule.asks}"] if rule.asks else []
        wanted += [f"a notice `{rule.tells}`"] if rule.tells else []
        asks = ", ".join(wanted)
        lines.append(f"| `{name}` | {sources} | {target} | {rule.who} | {lease} | {asks} |\n")
    lines.append(_AFTER)
    lines += [f"| `{one.code}` | {one.message.format('…')} |\n" for one in INVARIANTS]
    return "".join(lines).replace("|  |", "| |")
