"""A copy of each deposit in a folder or a bucket: as a BagIt bag or as it was sent, with a receipt beside it."""

from deposit.queue.policies import LONG, REQUEST
from loader.destinations.export.writing import write_copy, write_receipt
from loader.steps import Destination, Step

DESTINATION = Destination(
    name="export",
    steps=(
        Step(name="write the copy", run=write_copy, policy=LONG),
        Step(name="write the receipt", run=write_receipt, policy=REQUEST),
    ),
)
