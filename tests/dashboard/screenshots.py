"""Pictures of every page, light and dark, on a phone and on a desk: ``python -m tests.dashboard.screenshots DIR``."""

import os
import sys

import pytest


def main() -> int:
    """Run the test that visits every page, and let it take pictures."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m tests.dashboard.screenshots FOLDER\n")
        return 2
    os.environ["SCREENSHOTS"] = sys.argv[1]
    return pytest.main(["-q", "-p", "no:xdist", "tests/dashboard/test_every_page.py"])


if __name__ == "__main__":
    sys.exit(main())
