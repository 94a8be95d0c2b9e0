"""``python -m client``: the command ``deposit``."""

import sys

from client.cli import main

sys.exit(main())
