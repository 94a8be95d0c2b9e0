"""The kind of work that looking at a pipeline is to the queue: only workers have the keys."""

from deposit.queue.policies import REQUEST
from deposit.queue.registry import Kind, register

CHECK = register(
    Kind(name="pipeline-check", task="archivematica.check", queue="housekeeping", policy=REQUEST)
)
