"""The default destination: our own content-addressed archive."""

from loader.destinations.archive.loading import ingest_packages, load

__all__ = ["ingest_packages", "load"]
