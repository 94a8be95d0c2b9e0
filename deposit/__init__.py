"""The record of deposits and its faces: SWORD, JSON, the admin site, commands."""

__version__ = "0.1.0"
