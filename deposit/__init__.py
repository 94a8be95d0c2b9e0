"""The record of deposits and its faces: SWORD, JSON, the admin site, commands."""

__version__ = "1.0.0"
