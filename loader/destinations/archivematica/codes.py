"""The codes with which deliveries to Archivematica fail; a code, once published, never changes its meaning."""

CODES: dict[str, str] = {
    "archivematica.backlog": "Archivematica put the transfer into its backlog and makes no AIP of it.",
    "archivematica.damaged": "The AIP is stored, and its fixity check failed.",
    "archivematica.fixity": "The Storage Service could not check the AIP's fixity.",
    "archivematica.indeterminate": "The Storage Service does not say clearly whether the AIP is stored.",
    "archivematica.ingest_failed": "The ingest failed in Archivematica, and no AIP is stored.",
    "archivematica.ingest_rejected": "The ingest was rejected in Archivematica, and no AIP is stored.",
    "archivematica.never_started": "Archivematica took the package, and never told of any work on it.",
    "archivematica.no_pipeline": "The collection has no pipeline that its deposits could go through.",
    "archivematica.no_state": "Archivematica gave no state of the unit, or one that is not known, for too long.",
    "archivematica.no_transfer": "The delivery has no place in a pipeline.",
    "archivematica.not_found": "Archivematica said that it had finished, and the Storage Service has no AIP.",
    "archivematica.refused": "Archivematica refused a request; operators see its words beside the step.",
    "archivematica.replicated_partial": "The AIP is stored, but not in all locations that the pipeline requires.",
    "archivematica.transfer_failed": "The transfer failed in Archivematica.",
    "archivematica.transfer_rejected": "The transfer was rejected in Archivematica.",
    "archivematica.transfer_source": "The transfer source refused us: an unknown host key, or a log-in that fails.",
    "archivematica.unavailable": "Archivematica could not be reached for longer than the pipeline's retry deadline.",
    "archivematica.unsuitable": "No transfer of the wanted form can be made of the deposit; the message says why.",
}
"""Code -> what it means, in one line."""
