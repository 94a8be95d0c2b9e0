"""What a receipt says, and sending it to a webhook: for the last step of a delivery (`loader.receipts`).

A template is JSON in which ``{name}`` in a text stands for a value; without one a receipt has all of them.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from deposit.models import ReceiptTarget
from deposit.notices import signing
from deposit.notices.content import link
from deposit.notices.encryption import SecretUnreadable, decrypt
from deposit.notices.posting import NoAnswer
from deposit.notices.posting import post as send_post
from deposit.notices.webhooks import body_bytes, masked
from deposit.refusals import Kind, Refusal

NAMES = (
    "deposit",
    "delivery",
    "destination",
    "collection",
    "client",
    "external_id",
    "title",
    "swhid",
    "identifiers",
    "delivered_at",
    "service",
    "url",
)
DEFAULT_NAME = "receipt-{deposit}-{delivery}.json"
_FIELD = re.compile(r"\{([a-z_]+)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class NotSent(Exception):
    """The receipt did not arrive. ``fault``: why, for operators."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def page_of(deposit_id: int) -> str:
    """The page of a deposit, or ""."""
    return link(f"/deposits/{deposit_id}/")


def require_template(template: Any, file_name: str) -> None:
    """Raise `Refusal` for a template that names what there is not."""
    named = set(_FIELD.findall(json.dumps(template))) | set(_FIELD.findall(file_name))
    unknown = sorted(named - set(NAMES))
    if unknown:
        raise Refusal(
            Kind.BAD_REQUEST,
            "receipt.template",
            f"A receipt has no value {unknown[0]}.",
            f"It may name: {', '.join(NAMES)}.",
        )
    if file_name and not ({"deposit", "delivery"} & set(_FIELD.findall(file_name))):
        raise Refusal(
            Kind.BAD_REQUEST,
            "receipt.name",
            "Every receipt needs a name of its own.",
            "Put {deposit} or {delivery} into the name of the file.",
        )


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its values: a text that is one name alone becomes the value, of whatever type."""
    if isinstance(template, str):
        whole = _FIELD.fullmatch(template)
        if whole and whole[1] in values:
            return values[whole[1]]
        return _FIELD.sub(lambda found: str(values.get(found[1], found[0])), template)
    if isinstance(template, Mapping):
        return {str(key): filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    return template


def body_of(target: ReceiptTarget, values: Mapping[str, Any]) -> Any:
    """What the receipt says."""
    return filled(target.template, values) if target.template else dict(values)


def file_of(target: ReceiptTarget, values: Mapping[str, Any]) -> tuple[str, bytes]:
    """Name and content of the file. No value leads out of the folder: all but letters, digits and ``._-`` is ``-``."""
    safe = {key: _UNSAFE.sub("-", str(value)) for key, value in values.items()}
    name = str(filled(target.file_name or DEFAULT_NAME, safe))
    name = _UNSAFE.sub("-", name).lstrip(".-")[:200] or f"receipt-{values['delivery']}.json"
    data = json.dumps(body_of(target, values), ensure_ascii=False, indent=1).encode() + b"\n"
    return name, data


def post(target: ReceiptTarget, values: Mapping[str, Any], *, message_id: str) -> str:
    """Send it as a signed webhook; where it went. Raises `NotSent`."""
    body = body_bytes(body_of(target, values))
    try:
        headers = signing.headers(message_id, int(time.time()), body, [decrypt(target.secret)])
        answer = send_post(target.place, body, headers)
    except (NoAnswer, SecretUnreadable, Refusal) as error:
        raise NotSent(masked(str(error))) from error
    if not answer.is_success:
        raise NotSent(masked(f"{answer.status} {answer.text}"))
    return f"{target.shown} answered {answer.status}"
