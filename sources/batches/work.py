"""The kind of work that batches are to the queue."""

from deposit.queue.policies import LONG
from deposit.queue.registry import Kind, register

BATCH = register(Kind(name="batch", task="batches.run", queue="housekeeping", policy=LONG))
