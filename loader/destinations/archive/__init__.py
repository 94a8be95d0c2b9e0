"""The default destination: our own content-addressed archive."""

from deposit.queue.policies import LOCAL
from loader.destinations.archive.loading import archive
from loader.steps import Destination, Step

DESTINATION = Destination(
    name="archive", steps=(Step(name="archive", run=archive, policy=LOCAL, brief=True),)
)
