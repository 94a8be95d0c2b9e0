"""Delivery to Archivematica: a deposit goes through a pipeline and is followed until its AIP is proven stored.

A Django application of its own (label ``archivematica``), because it keeps rows that nothing else needs: pipelines,
and who is inside them. `apps.ArchivematicaConfig.ready` registers the destination.
"""
