"""The word that a deposit with warnings waits for: archive it all the same, or delete it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dashboard.pages import page
from deposit.actors import Actor
from deposit.lifecycle import TransitionRefused
from deposit.permissions import visible_deposit
from deposit.services import confirmation, deposits


@require_POST
@page
def confirm_warnings(request: HttpRequest, actor: Actor, deposit_id: int) -> HttpResponseRedirect:
    """The warnings are known, and the package is meant as it is."""
    visible_deposit(actor, deposit_id)
    try:
        confirmation.confirm(deposit_id=deposit_id, actor=actor)
    except TransitionRefused:
        # Twice, or somebody else was faster: the page tells where it stands.
        messages.info(request, _("The deposit does not wait for a confirmation any more."))
    return redirect("dashboard:deposit", deposit_id)


@require_POST
@page
def delete_held(request: HttpRequest, actor: Actor, deposit_id: int) -> HttpResponseRedirect:
    """The package was not meant so, and is not archived."""
    deposits.delete(actor=actor, deposit=visible_deposit(actor, deposit_id))
    messages.success(request, _("The deposit was deleted; nothing of it was archived."))
    return redirect("dashboard:deposits")
