"""The destination as the workflow runs it."""

from deposit.queue.policies import LOCAL, LONG, POLL, REQUEST
from loader.destinations.archivematica import after
from loader.destinations.archivematica.activities import acquire_pipeline, clean_up, prepare_bundle, publish
from loader.destinations.archivematica.capacity import ACQUIRE
from loader.destinations.archivematica.following import (
    check_fixity,
    confirm_stored,
    hide,
    poll_ingest,
    poll_transfer,
    release_capacity,
)
from loader.destinations.archivematica.handing_over import start_transfer
from loader.destinations.archivematica.inspecting import inspect
from loader.destinations.archivematica.looking_back import reconcile
from loader.destinations.archivematica.services import use_pipelines
from loader.steps import Destination, Step

DESTINATION = Destination(
    name="archivematica",
    configure=use_pipelines,
    clean_up=after.clean_up,
    inspect=inspect,
    steps=(
        Step(name="reconcile", run=reconcile, policy=REQUEST),
        Step(name=ACQUIRE, run=acquire_pipeline, policy=POLL),
        Step(name="prepare_bundle", run=prepare_bundle, policy=LONG),
        Step(name="publish", run=publish, policy=LONG),
        Step(name="start_transfer", run=start_transfer, policy=REQUEST),
        Step(name="poll_transfer", run=poll_transfer, policy=POLL),
        Step(name="poll_ingest", run=poll_ingest, policy=POLL),
        Step(name="confirm_stored", run=confirm_stored, policy=REQUEST),
        Step(name="check_fixity", run=check_fixity, policy=LONG),
        Step(name="release_capacity", run=release_capacity, policy=LOCAL),
        Step(name="hide", run=hide, policy=REQUEST),
        Step(name="clean_up", run=clean_up, policy=REQUEST),
    ),
)
