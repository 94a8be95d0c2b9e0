"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Mapping
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")

# The key of the path in a request's META; its bytes are spelled as ISO-8859-1 (PEP 3333).
SENT_PATH = "deposit.sent_path"


class Request(WSGIRequest):
    """A request whose Content-Type may be nonsense, over which Django would fail before any view or middleware.

    It also keeps the path as it was sent: Django's own has percent signs for bytes that are not UTF-8, so that they
    look like a name with such signs in it.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        environ[SENT_PATH] = environ.get("PATH_INFO", "")
        super().__init__(environ)

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
