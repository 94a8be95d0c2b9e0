"""Batches: a folder of folders becomes one deposit each, with shared settings, and can be run again at any time."""
