"""The WSGI application that gunicorn serves."""

from collections.abc import Iterator
from typing import cast

import django
from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.module_loading import import_string

from settings.env import name_settings
from settings.postgres.base import DatabaseWrapper

name_settings()
if not apps.ready:
    # Where Django is at work already, as in tests, its connections are made by what it has read.
    settings.DATABASES["default"] = settings.WEB_DATABASE
    if settings.REPLICA_DATABASE:
        settings.DATABASES["replica"] = settings.REPLICA_DATABASE
        settings.DATABASE_ROUTERS = ["settings.postgres.replica.Router"]


class Application(WSGIHandler):
    """Django's own, with our requests, and with database sessions held no longer than they are needed."""

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; nobody holds a session while a client takes its time to read."""
        response = super().get_response(request)
        release_sessions()
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            response.streaming_content = released(cast(Iterator[bytes], response.streaming_content))
        return response


def released(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks; what was asked to make one is given back before it is sent."""
    for chunk in chunks:
        release_sessions()
        yield chunk


def release_sessions() -> None:
    """Give back the sessions that this thread was lent, unless it is in a transaction."""
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, DatabaseWrapper):
            connection.release()


django.setup(set_prefix=False)
Application.request_class = import_string("deposit.http.sound_request.Request")
application = Application()
