"""Locks in the database: one for whatever changes what is in the workflow, one for each object being worked on."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# "museflow", and the class of the locks of objects.
_WORKFLOW = 0x6D757365666C6F77
_OBJECTS = 0x6D75


class ObjectBusy(Exception):
    """Another process works on the object."""


@contextmanager
def workflow_lock() -> Iterator[None]:
    """A transaction in which nobody else enqueues, freezes, unfreezes or resets."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WORKFLOW])
        yield


@contextmanager
def object_lock(number: int) -> Iterator[None]:
    """Work on an object alone. Raises ObjectBusy. It is let go of when the process dies."""
    key = (number ^ (number >> 31)) & 0x7FFFFFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_OBJECTS, key])
        if not cursor.fetchone()[0]:
            raise ObjectBusy(f"Another process works on object {number}.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_OBJECTS, key])
