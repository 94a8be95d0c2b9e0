"""Packs: the container that holds what the archive keeps. ``docs/reference/pack-format.md`` describes it."""

from archive.packs.layout import LARGE, Row
from archive.packs.reader import PackReader
from archive.packs.writer import PackWriter

__all__ = ["LARGE", "PackReader", "PackWriter", "Row"]
