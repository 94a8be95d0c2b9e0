"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Mapping
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")


class Request(WSGIRequest):
    """A request whose Content-Type may be nonsense, over which Django would fail before any view or middleware."""

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # the stubs lack it
        except (TypeError, ValueError, LookupError):
            self.content_type, self.content_params = str(meta["CONTENT_TYPE"]).partition(";")[0].strip(), {}


class Application(WSGIHandler):
    """Django's own, with our requests."""

    request_class = Request


django.setup(set_prefix=False)
application = Application()
