"""The web pages: what depositors and operators look at. Reads through selectors, acts through services."""
