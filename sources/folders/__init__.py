"""Watched folders: what appears in one, by kernel events and by full scans, is taken in once it is complete."""
