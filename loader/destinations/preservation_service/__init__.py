"""The national digital preservation service: SIPs over SFTP, verdicts by report or REST."""

from deposit.queue.policies import LOCAL, LONG, POLL
from loader.destinations.preservation_service.origin import origin
from loader.steps import Again, Context, Destination, Done, Outcome, Permanent, Step

# The service takes minutes to days. Its verdicts are read once an hour for all SIPs together, and whoever reads one
# wakes its delivery; a delivery that looks by itself is for a wake-up that was lost.
LOOK_AGAIN_SECONDS = 3600.0


def _create_sip(context: Context) -> Outcome:
    return Done(result=origin().create_sip(context))


def _submit_sip(context: Context) -> Outcome:
    return Done(result=origin().submit_sip(context))


def _confirm_sip(context: Context) -> Outcome:
    status = origin().verdict(context)
    if status is None:
        return Again(after_seconds=LOOK_AGAIN_SECONDS, note="The preservation service has not decided yet.")
    if status == "rejected":
        raise Permanent(
            "preservation_service.rejected",
            "The preservation service rejected the package. Its report says why.",
        )
    return Done(result={"status": status})


DESTINATION = Destination(
    name="preservation_service",
    steps=(
        Step(name="create_sip", run=_create_sip, policy=LOCAL),
        Step(name="submit_sip", run=_submit_sip, policy=LONG),
        Step(name="confirm_sip", run=_confirm_sip, policy=POLL),
    ),
)
