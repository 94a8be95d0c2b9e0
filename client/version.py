"""Which release of the client this is."""

__version__ = "1.0.0"
