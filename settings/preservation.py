"""What the museum's collection system and the national preservation service are told to be: see ``settings.base``.

Names are those of the two programs that this part stands in for, so that an institution can carry its configuration
over line by line.
"""

from celery.schedules import crontab

from settings.env import data_dir, read_env

env = read_env()

# --- MuseumPlus ----------------------------------------------------------------------------------------
# Where its REST API is; ends with /ria-ws/application. Empty: there is none.
MUSEUMPLUS_URL: str = env.str("MUSEUMPLUS_URL", default="")
MUSEUMPLUS_USERNAME: str = env.str("MUSEUMPLUS_USERNAME", default="")
MUSEUMPLUS_PASSWORD: str = env.str("MUSEUMPLUS_PASSWORD", default="")
# The report that exports an object as LIDO.
MUSEUMPLUS_LIDO_REPORT_ID: int = env.int("MUSEUMPLUS_LIDO_REPORT_ID", default=45005)
# The field of an object that keeps the list of its preservations, as JSON; empty: none is kept.
MUSEUMPLUS_PRESERVATION_FIELD: str = env.str("MUSEUMPLUS_PRESERVATION_FIELD", default="")
MUSEUMPLUS_PRESERVATION_FIELD_TYPE: str = env.str("MUSEUMPLUS_PRESERVATION_FIELD_TYPE", default="dataField")
MUSEUMPLUS_ADD_LOG_ENTRIES: bool = env.bool("MUSEUMPLUS_ADD_LOG_ENTRIES", default=True)
# Seconds without a byte from MuseumPlus, after which a request is given up.
MUSEUMPLUS_TIMEOUT: int = env.int("MUSEUMPLUS_TIMEOUT", default=600)

# --- The museum's objects ------------------------------------------------------------------------------
# How long an object is left alone after it was made, and between two preservations, in seconds.
PRESERVATION_DELAY: int = env.int("PRESERVATION_DELAY", default=2_592_000)
UPDATE_DELAY: int = env.int("UPDATE_DELAY", default=2_592_000)
# Objects being worked on, and the logs and reports of those that are done.
PACKAGE_DIR: str = env.str("PACKAGE_DIR", default=str(data_dir() / "museum" / "packages"))
ARCHIVE_DIR: str = env.str("ARCHIVE_DIR", default=str(data_dir() / "museum" / "archive"))
# Below so many free bytes in PACKAGE_DIR nothing more is downloaded.
MIN_FREE_BYTES: int = env.int("MIN_FREE_BYTES", default=1024**3)
# After so many seconds without a heartbeat a recurring run is shown as inactive.
HEARTBEAT_INTERVALS: dict[str, int] = {
    "sync_processed_sips": 4_500,
    "sync_objects": 176_400,
    "sync_attachments": 176_400,
    "sync_hashes": 90_000,
}

# --- The preservation service --------------------------------------------------------------------------
METS_ORGANIZATION_NAME: str = env.str("METS_ORGANIZATION_NAME", default="")
METS_CONTRACT_ID: str = env.str("METS_CONTRACT_ID", default="")
# A PEM file with the private key and the certificate that SIPs are signed with.
SIP_SIGN_KEY: str = env.str("SIP_SIGN_KEY", default="")
# The digest of mets.xml in the line that is signed: `sha1`, which every version of the service verifies, or `sha256`.
SIP_SIGN_DIGEST: str = env.str("SIP_SIGN_DIGEST", default="sha1")
DPRES_SFTP_HOST: str = env.str("DPRES_SFTP_HOST", default="")
DPRES_SFTP_PORT: int = env.int("DPRES_SFTP_PORT", default=22)
DPRES_SFTP_USERNAME: str = env.str("DPRES_SFTP_USERNAME", default="")
DPRES_SFTP_KEY: str = env.str("DPRES_SFTP_KEY", default="")
DPRES_SFTP_HOME: str = env.str("DPRES_SFTP_HOME", default="")
DPRES_SFTP_KNOWN_HOSTS: str = env.str("DPRES_SFTP_KNOWN_HOSTS", default="")
DPRES_API_URL: str = env.str("DPRES_API_URL", default="")
DPRES_API_USERNAME: str = env.str("DPRES_API_USERNAME", default="")
DPRES_API_PASSWORD: str = env.str("DPRES_API_PASSWORD", default="")
# Where the service's verdicts are read: `sftp` or `rest`.
DPRES_STATUS_BACKEND: str = env.str("DPRES_STATUS_BACKEND", default="sftp")
# Who knows the record behind a deposit for the service; see loader/destinations/preservation_service/origin.py.
SIP_ORIGIN = "sources.museumplus.workflow.origin.ORIGIN"

# --- The museum's recurring runs -----------------------------------------------------------------------
# Whether the scheduler orders them; else somebody runs the commands.
MUSEUM_SCHEDULE: bool = env.bool("MUSEUM_SCHEDULE", default=False)
# How long a harvest may take in one night, in seconds; it goes on in the next.
MUSEUM_SYNC_SECONDS: int = env.int("MUSEUM_SYNC_SECONDS", default=4 * 3600)
MUSEUM_BEAT = {
    "museum-verdicts": {"task": "museum.sync_processed_sips", "schedule": 3600.0},
    "museum-objects": {"task": "museum.sync_objects", "schedule": crontab(hour="19", minute="0")},
    "museum-attachments": {"task": "museum.sync_attachments", "schedule": crontab(hour="0", minute="0")},
    "museum-hashes": {"task": "museum.sync_hashes", "schedule": crontab(hour="5", minute="0")},
}
