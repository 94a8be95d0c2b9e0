"""The WSGI application that gunicorn serves."""

import django
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from settings.env import name_settings

name_settings()


class Application(WSGIHandler):
    """Django's own, with our requests."""


django.setup(set_prefix=False)
Application.request_class = import_string("deposit.http.sound_request.Request")
application = Application()
