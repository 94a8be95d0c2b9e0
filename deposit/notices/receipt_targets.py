"""The verbs of receipt targets: administrators say where the receipts of a collection go."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from deposit import audit
from deposit.actors import Actor
from deposit.models import Collection, ReceiptTarget
from deposit.notices import posting, signing
from deposit.notices.encryption import encrypt
from deposit.notices.receipts import require_template
from deposit.permissions import Operation, require_service
from deposit.refusals import Kind, Refusal


def targets_for(actor: Actor) -> QuerySet[ReceiptTarget]:
    """All of them, for administrators. Raises a 403 `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    return ReceiptTarget.objects.select_related("collection").order_by("id")


def add(
    *,
    actor: Actor,
    collection: str,
    place: str,
    destination: str = "",
    template: Any = None,
    file_name: str = "",
) -> tuple[ReceiptTarget, str]:
    """Have receipts sent; with a webhook comes its secret, this once. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    is_webhook = place.startswith(("http://", "https://"))
    _require_place(place, is_webhook=is_webhook)
    require_template(template or {}, file_name)
    found = Collection.objects.filter(name=collection).first()
    if found is None or (destination and destination not in settings.DESTINATIONS):
        raise Refusal(
            Kind.BAD_REQUEST,
            "receipt.collection",
            f"There is no collection '{collection}', or no destination '{destination}'.",
            "`manage.py collection list` shows both.",
        )
    secret = signing.new_secret() if is_webhook else ""
    target = ReceiptTarget(
        collection=found,
        destination=destination,
        kind="webhook" if is_webhook else "file",
        place=place,
        template=template or {},
        file_name=file_name,
        secret=encrypt(secret) if secret else "",
    )
    with transaction.atomic():
        target.save()
        audit.record("receipt.add", subject=f"collection {found.name}", actor=actor, place=target.shown)
    return target, secret


def _require_place(place: str, *, is_webhook: bool) -> None:
    if is_webhook:
        posting.require_allowed(place)
    elif not place.startswith("s3://") and not Path(place).is_absolute():
        raise Refusal(
            Kind.BAD_REQUEST,
            "receipt.place",
            "Receipts go to a folder, a bucket or a webhook.",
            "Write /a/folder, s3://bucket/prefix or https://host/path.",
        )


def remove(*, actor: Actor, target_id: int) -> ReceiptTarget:
    """Send no receipts there any more. Raises `Refusal`."""
    target = targets_for(actor).filter(pk=target_id).first()
    if target is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "receipt.unknown",
            f"There is no receipt target {target_id}.",
            "`manage.py receipt list` shows them.",
        )
    with transaction.atomic():
        ReceiptTarget.objects.filter(pk=target_id).delete()
        audit.record(
            "receipt.remove", subject=f"collection {target.collection.name}", actor=actor, place=target.shown
        )
    return target
