"""Software Heritage's storage: contents, directories, releases, snapshots, visits and metadata, over its RPC.

Everything is sent from the ground up, so that whatever is there has all below it: who is killed, or sends twice, leaves
nothing that points at nothing, and sends the rest next time.
"""

from deposit.queue.policies import LONG, REQUEST
from loader.destinations.software_heritage.delivering import (
    describe,
    describe_alone,
    inspect,
    record_visit,
    send_objects,
)
from loader.steps import Destination, Step

DESTINATION = Destination(
    name="software_heritage",
    steps=(
        Step(name="send the objects", run=send_objects, policy=LONG),
        Step(name="record the visit", run=record_visit, policy=REQUEST),
        Step(name="describe it", run=describe, policy=REQUEST),
    ),
    inspect=inspect,
    describe=describe_alone,
)
