"""The receipt: whoever asked for the preservation is told that the AIP is stored, by a file in a folder or by a POST.

It is sent after the proof of storage. Where it cannot be sent, a person decides; the AIP stays stored in any case.
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx
from django.utils import timezone

from loader.destinations.archivematica.activities import transfer_of
from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.secret_references import SecretMissing, read_secret
from loader.steps import Ask, Context, Done, Outcome, Transient

SECONDS = 30.0
# How often it is tried before a person is asked, and after how long it is tried again while nobody has answered.
ATTEMPTS, LATER_SECONDS = 5, 3600.0
RETRY, WITHOUT, ABANDON = "retry", "without_receipt", "abandon"
_OPTIONS = {
    RETRY: "Send the receipt again.",
    WITHOUT: "End the delivery without the receipt.",
    ABANDON: "Give the delivery up. The AIP stays stored.",
}


def send_receipt(context: Context) -> Outcome:
    """Send the receipt, if the pipeline has a place for it. The same one again is no second one for the receiver."""
    transfer = transfer_of(context)
    target = transfer.pipeline.receipt
    if not target:
        return Done(result={"receipt": "not asked for"})
    if context.answer == WITHOUT:
        return Done(result={"receipt": "left out by a person's decision"})
    try:
        told = _send(transfer.pipeline, _name(context), _receipt(context, transfer))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, SecretMissing) as error:
        return _not_sent(context, target, error)
    return Done(result={"receipt": told})


def _not_sent(context: Context, target: str, error: Exception) -> Outcome:
    failed = int(context.memory.get("receipt_attempts", 0)) + 1
    context.save(receipt_attempts=failed)
    if failed < ATTEMPTS:
        wait = min(60.0, 2.0**failed)
        raise Transient(
            "The receipt could not be sent; it is tried again.",
            fault=str(error),
            counts=False,
            after_seconds=wait,
        ) from error
    return Ask(
        question=f"The AIP is stored, and its receipt cannot be sent to {target}: {type(error).__name__}.",
        options=_OPTIONS,
        after_seconds=LATER_SECONDS,
    )


def _receipt(context: Context, transfer: Transfer) -> dict[str, Any]:
    deposit = context.deposit
    return {
        "identifier": deposit.external_id or str(deposit.pk),
        "type": "deposit",
        "accepted": True,
        "message": "The AIP is stored.",
        "timestamp": timezone.now().isoformat(timespec="seconds"),
        "parent": None,
        "deposit": deposit.pk,
        "delivery": context.delivery.pk,
        "collection": deposit.collection.name,
        "swhid": deposit.directory_swhid,
        "pipeline": transfer.pipeline.name,
        "transfer": transfer.transfer_uuid,
        "aip": transfer.sip_uuid,
        "stored_at": transfer.stored_at.isoformat() if transfer.stored_at else None,
        "location": transfer.stored_in,
    }


def _name(context: Context) -> str:
    return f"Receipt_{context.deposit.pk}_{context.delivery.pk}"


def _send(pipeline: Pipeline, name: str, receipt: dict[str, Any]) -> str:
    data = json.dumps(receipt, ensure_ascii=False, indent=1).encode() + b"\n"
    if pipeline.receipt.startswith("/"):
        return _write(Path(pipeline.receipt), name, data)
    headers = {"Content-Type": "application/json", "Idempotency-Key": name}
    if pipeline.receipt_key_ref:
        headers["Authorization"] = f"Bearer {read_secret(pipeline.receipt_key_ref)}"
    answer = httpx.post(pipeline.receipt, content=data, headers=headers, timeout=SECONDS, trust_env=False)
    answer.raise_for_status()
    return f"{pipeline.receipt} answered {answer.status_code}"


def _write(folder: Path, name: str, data: bytes) -> str:
    """Under another name first: whoever collects receipts finds whole ones."""
    partial, whole = folder / f".{name}.part", folder / f"{name}.json"
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(whole)
    return str(whole)
