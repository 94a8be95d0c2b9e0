"""Another deposit server: handed over by SWORD 2, followed until it has ended there, its identifiers kept."""

from deposit.queue.policies import LONG, POLL, REQUEST
from loader.destinations.deposit_forward.forwarding import (
    clean_up,
    complete,
    create,
    follow,
    inspect,
    send_packages,
)
from loader.steps import Destination, Step

DESTINATION = Destination(
    name="deposit_forward",
    steps=(
        Step(name="create it there", run=create, policy=REQUEST),
        Step(name="send the packages", run=send_packages, policy=LONG),
        Step(name="complete it there", run=complete, policy=REQUEST),
        Step(name="follow it", run=follow, policy=POLL),
    ),
    clean_up=clean_up,
    inspect=inspect,
)
