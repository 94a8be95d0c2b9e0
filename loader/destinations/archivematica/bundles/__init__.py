"""A deposit in the form in which Archivematica takes a transfer. Pure: folders in, folders out; no Django.

`forms` says what goes where, `unpacking` writes the members of packages to disk, `checksums` and `describing` write
what stands below ``metadata/``, `building` puts it together.
"""
