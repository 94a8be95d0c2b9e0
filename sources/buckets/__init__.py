"""Watched buckets: objects are found by listing, and sooner by events; each version of an object is one item."""
