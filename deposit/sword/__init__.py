"""The SWORD 2 face of the deposit server, wire-compatible with swh-deposit."""
