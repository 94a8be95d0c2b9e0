"""The museum's steps, states and answers, as pages show them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STEPS: dict[str, Promise] = {
    "pending": _("Pending"),
    "download_object": _("Downloading"),
    "create_sip": _("Making the SIP"),
    "submit_sip": _("Submitting"),
    "confirm_sip": _("Confirming"),
    "submitted": _("Submitted"),
    "preserved": _("Preserved"),
    "rejected": _("Rejected"),
    "frozen": _("Frozen"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "processing": _("Processing"),
}
JOB_STATES: dict[str, Promise] = {
    "pending": _("Waiting"),
    "started": _("Being done"),
    "failed": _("Failed"),
}
FREEZE_SOURCES: dict[str, Promise] = {"user": _("A person"), "automatic": _("The workflow")}
HEARTBEATS: dict[str, Promise] = {
    "active": _("Active"),
    "inactive": _("Inactive"),
    "no heartbeat": _("No heartbeat"),
}
