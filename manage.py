#!/usr/bin/env python3
"""Django's command line, with this project's settings in place."""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from settings.bootstrap import BootstrapError, complete
from settings.env import name_settings

if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["bootstrap"] and not {"-h", "--help"} & set(sys.argv):
            complete(sys.argv[2:])
        name_settings()
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, BootstrapError) as error:
        sys.exit(f"manage.py: {error}")
