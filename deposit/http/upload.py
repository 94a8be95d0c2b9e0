"""Where the bytes of a package go while they arrive, and what is asked before they may come."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from deposit.http.body import Body
from deposit.intake.admission import admit
from deposit.models import Client
from deposit.staging.files import ComparedFile
from deposit.staging.interface import Incoming
from deposit.staging.storage import staging_file

# Above this many bytes the database connection is given back while the body arrives.
LONG_BODY = 1024 * 1024


@contextmanager
def package_file(body: Body, client: Client, *, with_md5: bool) -> Iterator[Incoming | ComparedFile]:
    """Where the bytes of a body's package go; it was admitted. Raises `Refusal` at once when there is no room."""
    limit = body.sizes.upload
    if body.again:
        yield ComparedFile(limit=limit)
        return
    promised = body.length or 0
    with staging_file(limit=limit, with_md5=with_md5, client=client.pk, promised=promised) as file:
        yield file


def let_in(body: Body, client: Client) -> None:
    """Whether the bytes of a package may come now. Raises `Refusal`."""
    if not body.again:
        admit(client, body.length)
    let_go_of_the_database(body)


def let_go_of_the_database(body: Body) -> None:
    """No database connection is held while many bytes arrive."""
    if not connection.in_atomic_block and (body.length is None or body.length > LONG_BODY):
        connection.close()
