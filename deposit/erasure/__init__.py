"""Erasing what a deposit brought: what goes and what stays, what the record lets go of, and the work that does it."""
