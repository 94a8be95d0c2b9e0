"""Django's settings. The environment is read here, through ``settings.env``, and nowhere else.

Processes run with one of the modules above this one: ``settings.production``, ``settings.embedded`` or
``settings.testing``; `settings.env.name_settings` says which, where nobody says so.
``docs/reference/settings.md`` lists every variable, its default and its meaning.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from settings.bodies import SMALL_BODY_BYTES
from settings.database import OTHER_SESSIONS, SESSIONS_OF_A_SLOT, read_databases
from settings.env import REPOSITORY, as_pair, data_dir, in_journal, read_env
from settings.insecure_values import refuse_insecure_values
from settings.preservation import *  # noqa: F403  (settings of the museum and of the preservation service)

env = read_env()

DATA_DIR = data_dir()

# True in the one-terminal set-up of `make run`: plain HTTP on loopback is then no mistake.
EMBEDDED: bool = env.bool("DEPOSIT_EMBEDDED", default=False)
DEBUG: bool = env.bool("DEBUG", default=False)

try:
    SECRET_KEY: str = env.str("SECRET_KEY")
    WEB_DATABASE, _direct, REPLICA_DATABASE = read_databases(env)
except ImproperlyConfigured as missing:
    raise ImproperlyConfigured(
        f"{missing}. Run `make run` once (it writes DATA_DIR/deposit.env), or set SECRET_KEY and DATABASE_URL."
    ) from missing

# What everybody uses but the web, which `settings.wsgi` gives the other.
DATABASES = {"default": _direct}
# Where processes reach the server itself, if the web goes through a pooler.
DATABASE_DIRECT_URL: str = env.str("DATABASE_DIRECT_URL", default="")
# How many sessions a web process lends to its threads, and how many web processes a host has.
WEB_CONNECTIONS: int = WEB_DATABASE["POOL_SIZE"]
WEB_WORKERS: int = env.int("WEB_WORKERS", default=2)
# How many sessions all processes of all hosts may hold at once. The default is one host's, with 16 slots of workers.
DATABASE_CONNECTIONS: int = env.int(
    "DATABASE_CONNECTIONS",
    default=WEB_WORKERS * WEB_CONNECTIONS + 16 * SESSIONS_OF_A_SLOT + OTHER_SESSIONS,
)

ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else []
)
USE_X_FORWARDED_HOST: bool = env.bool("USE_X_FORWARDED_HOST", default=False)
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many reverse proxies of ours stand before the service, each of which appends to X-Forwarded-For.
PROXY_COUNT: int = env.int("PROXY_COUNT", default=0)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SESSION_ENGINE = "deposit.authentication.session_store"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
SECURE_HSTS_SECONDS: int = env.int("SECURE_HSTS_SECONDS", default=0 if EMBEDDED else 31_536_000)
SECURE_SSL_REDIRECT: bool = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "archive",
    "deposit",
    "loader.destinations.archivematica",
    "sources.batches",
    "dashboard",
    "sources",
    "sources.museumplus",
    "settings",
]

MIDDLEWARE = [
    "deposit.http.middleware.RequestMiddleware",
    "deposit.sword.middleware.SwordErrorMiddleware",
    "deposit.sword3.errors.Sword3ErrorMiddleware",
    "deposit.api.middleware.ProblemMiddleware",
    "deposit.authentication.middleware.ActorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.middleware.PageMiddleware",
    "deposit.http.middleware.SoundRequestMiddleware",
]

# Where deposits can be taken: the name that a collection gives, and the module whose DESTINATION it is.
DESTINATIONS = {
    "archive": "loader.destinations.archive",
    "archivematica": "loader.destinations.archivematica.destination",
    "deposit_forward": "loader.destinations.deposit_forward",
    "export": "loader.destinations.export",
    "software_heritage": "loader.destinations.software_heritage",
    "preservation_service": "loader.destinations.preservation_service",
}

ROOT_URLCONF = "settings.urls"
WSGI_APPLICATION = "settings.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPOSITORY / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.pages.frame",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Of accounts that were moved here; a password that is right is hashed anew at its first use.
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTHENTICATION_BACKENDS = ["deposit.authentication.sessions.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGIN_URL = "dashboard:login"
LOGIN_REDIRECT_URL = "dashboard:home"

# --- The identity provider: Keycloak, or another of OpenID Connect --------------------------------------------------
KEYCLOAK_SERVER_URL: str = env.str("KEYCLOAK_SERVER_URL", default="")
KEYCLOAK_REALM: str = env.str("KEYCLOAK_REALM", default="")
KEYCLOAK_CLIENT_ID: str = env.str("KEYCLOAK_CLIENT_ID", default="swh-deposit")
KEYCLOAK_CLIENT_SECRET: str = env.str("KEYCLOAK_CLIENT_SECRET", default="")
# Whom access tokens must be meant for; KEYCLOAK_CLIENT_ID if not set.
KEYCLOAK_AUDIENCE: str = env.str("KEYCLOAK_AUDIENCE", default="")
# A role of the realm or the client, without which nobody may use the API; empty for none.
KEYCLOAK_REQUIRED_ROLE: str = env.str("KEYCLOAK_REQUIRED_ROLE", default="swh.deposit.api")
KEYCLOAK_USERNAME_CLAIM: str = env.str("KEYCLOAK_USERNAME_CLAIM", default="preferred_username")
# Make a user for whoever the provider vouches for; else users are matched only.
KEYCLOAK_CREATE_USERS: bool = env.bool("KEYCLOAK_CREATE_USERS", default=False)
# Let the provider vouch for superusers too; else they log in with their passwords here.
KEYCLOAK_SUPERUSERS: bool = env.bool("KEYCLOAK_SUPERUSERS", default=False)

# Any other provider, by its discovery document: Entra ID and others. The names mean what they mean above.
OIDC_ISSUER: str = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID: str = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET: str = env.str("OIDC_CLIENT_SECRET", default="")
# The day from which the provider takes it no more (YYYY-MM-DD), to be warned before.
OIDC_SECRET_EXPIRES: str = env.str("OIDC_SECRET_EXPIRES", default="")
# Without it no access token of the provider is taken, for identity tokens are for OIDC_CLIENT_ID too.
OIDC_AUDIENCE: str = env.str("OIDC_AUDIENCE", default="")
OIDC_REQUIRED_ROLE: str = env.str("OIDC_REQUIRED_ROLE", default="")
OIDC_ROLES_CLAIM: str = env.str("OIDC_ROLES_CLAIM", default="roles")
OIDC_SCOPE: str = env.str("OIDC_SCOPE", default="openid profile email")
# Whether passwords that clients send are tried there, by the grant that many providers have given up.
OIDC_PASSWORDS: bool = env.bool("OIDC_PASSWORDS", default=False)
# Of each the first claim that a token has.
OIDC_USERNAME_CLAIM: list[str] = env.list("OIDC_USERNAME_CLAIM", default=["upn", "preferred_username"])
OIDC_EMAIL_CLAIM: list[str] = env.list("OIDC_EMAIL_CLAIM", default=["email", "upn", "preferred_username"])
OIDC_CREATE_USERS: bool = env.bool("OIDC_CREATE_USERS", default=False)
OIDC_SUPERUSERS: bool = env.bool("OIDC_SUPERUSERS", default=False)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français"), ("de", "Deutsch")]
LOCALE_PATHS = [REPOSITORY / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
# Only for a front server that serves /static/ itself; unset, WhiteNoise serves from the applications.
STATIC_ROOT: str | None = env.str("STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = True

# Uploads never pass through Django's own handling of forms; what does is small, and without files. As much as
# server/connections.py reads before a thread is given to a request.
DATA_UPLOAD_MAX_MEMORY_SIZE = SMALL_BODY_BYTES
FILE_UPLOAD_HANDLERS = ["deposit.http.small_forms.NoFiles"]

# --- Storage -------------------------------------------------------------------------------------------
# Bytes on their way in; the same file system as nothing else needs to be.
STAGING_ROOT: str = env.str("STAGING_ROOT", default=str(DATA_DIR / "staging"))
# A bucket for them instead (s3://bucket/prefix?endpoint=…&region=…); STAGING_ROOT is then each machine's own. To be
# read they are fetched into a folder of the machine, which holds so many bytes at most.
STAGING_STORAGE: str = env.str("STAGING_STORAGE", default="")
STAGING_CACHE: str = env.str("STAGING_CACHE", default=f"{STAGING_ROOT}/cache")
STAGING_CACHE_SIZE: int = env.int("STAGING_CACHE_SIZE", default=20 * 1024**3)
# The packs of the archive.
ARCHIVE_ROOT: str = env.str("ARCHIVE_ROOT", default=str(DATA_DIR / "archive"))
# Another place for the packs (a folder or s3://…), and one for their copies.
ARCHIVE_STORAGE: str = env.str("ARCHIVE_STORAGE", default="")
ARCHIVE_REPLICA: str = env.str("ARCHIVE_REPLICA", default="")
# Where the destination "export" writes copies (a folder or s3://…), and in which form: bag, or as-sent.
EXPORT_TO: str = env.str("EXPORT_TO", default="")
EXPORT_FORM: str = env.str("EXPORT_FORM", default="bag")
# Where the destination "software_heritage" sends: the RPC of swh-storage, and of swh-objstorage if contents are to go
# there directly; user and key (env:NAME or file:/path) of a proxy before them; seconds without an answer; requests with
# contents under way at once for each delivery; the longest content that is sent, in bytes.
SOFTWARE_HERITAGE_STORAGE_URL: str = env.str("SOFTWARE_HERITAGE_STORAGE_URL", default="")
SOFTWARE_HERITAGE_OBJSTORAGE_URL: str = env.str("SOFTWARE_HERITAGE_OBJSTORAGE_URL", default="")
SOFTWARE_HERITAGE_USERNAME: str = env.str("SOFTWARE_HERITAGE_USERNAME", default="")
SOFTWARE_HERITAGE_PASSWORD: str = env.str("SOFTWARE_HERITAGE_PASSWORD", default="")
SOFTWARE_HERITAGE_TIMEOUT: float = env.float("SOFTWARE_HERITAGE_TIMEOUT", default=300.0)
SOFTWARE_HERITAGE_AT_ONCE: int = env.int("SOFTWARE_HERITAGE_AT_ONCE", default=8)
SOFTWARE_HERITAGE_MAX_CONTENT: int = env.int("SOFTWARE_HERITAGE_MAX_CONTENT", default=100 * 1024**2)
# Where the destination "deposit_forward" hands deposits over: the address before the collection's name (…/1), the
# collection there, its client, and where the password is (env:NAME or file:/path). Slugs there begin with FORWARD_SLUG.
FORWARD_TO: str = env.str("FORWARD_TO", default="")
FORWARD_COLLECTION: str = env.str("FORWARD_COLLECTION", default="")
FORWARD_USERNAME: str = env.str("FORWARD_USERNAME", default="")
FORWARD_PASSWORD: str = env.str("FORWARD_PASSWORD", default="")
FORWARD_SLUG: str = env.str("FORWARD_SLUG", default="forwarded-")
FORWARD_TIMEOUT: float = env.float("FORWARD_TIMEOUT", default=300.0)
FORWARD_POLL_SECONDS: float = env.float("FORWARD_POLL_SECONDS", default=60.0)
# The scheduled audit reads every pack again within so many days, at most at so many bytes a second.
ARCHIVE_AUDIT_DAYS: int = env.int("ARCHIVE_AUDIT_DAYS", default=90)
ARCHIVE_AUDIT_RATE: int = env.int("ARCHIVE_AUDIT_RATE", default=50 * 1024**2)
# Packs of fewer bytes are merged into packs of about so many (0: never); how long the files of packs that were merged
# are kept, in seconds, for who is reading them.
ARCHIVE_MERGE_BELOW: int = env.int("ARCHIVE_MERGE_BELOW", default=16 * 1024**2)
ARCHIVE_MERGE_SIZE: int = env.int("ARCHIVE_MERGE_SIZE", default=256 * 1024**2)
ARCHIVE_REPLACED_KEEP_SECONDS: int = env.int("ARCHIVE_REPLACED_KEEP_SECONDS", default=24 * 3600)

# --- The deposit service -------------------------------------------------------------------------------
MAX_UPLOAD_SIZE: int = env.int("MAX_UPLOAD_SIZE", default=100 * 1024**3)
MAX_METADATA_SIZE: int = env.int("MAX_METADATA_SIZE", default=4 * 1024**2)
# Segmented uploads (SWORD 3): the rules that the service document announces, in bytes and seconds; and how much the
# unfinished uploads of one client may announce together.
MIN_SEGMENT_SIZE: int = env.int("MIN_SEGMENT_SIZE", default=1)
MAX_SEGMENT_SIZE: int = env.int("MAX_SEGMENT_SIZE", default=5 * 1024**3)
MAX_SEGMENTS: int = env.int("MAX_SEGMENTS", default=10_000)
STAGING_MAX_IDLE: int = env.int("STAGING_MAX_IDLE", default=7 * 24 * 3600)
# A promise of which nothing has come goes sooner. So many of one client may be unfinished, and begun in a minute.
STAGING_MAX_EMPTY: int = env.int("STAGING_MAX_EMPTY", default=3600)
OPEN_UPLOADS: int = env.int("OPEN_UPLOADS", default=100)
UPLOADS_PER_MINUTE: int = env.int("UPLOADS_PER_MINUTE", default=300)
UPLOAD_QUOTA: int = env.int("UPLOAD_QUOTA", default=500 * 1024**3)
# SWORD 3 concurrency control: refuse changes that come without If-Match, as a strict reading of it has it.
REQUIRE_IF_MATCH: bool = env.bool("REQUIRE_IF_MATCH", default=False)
# Where people reach the service, for links in reports; empty: reports have no links.
PUBLIC_URL: str = env.str("PUBLIC_URL", default="")
# The report on watched folders and buckets: of how many days, and how often in days; to whom, if to anybody.
SOURCE_REPORT_DAYS: float = env.float("SOURCE_REPORT_DAYS", default=7.0)
SOURCE_REPORT_MAIL: list[str] = env.list("SOURCE_REPORT_MAIL", default=[])
SOURCE_REPORT_WEBHOOK: str = env.str("SOURCE_REPORT_WEBHOOK", default="")
# --- Notices -------------------------------------------------------------------------------------------
# The mail server, as smtp://user:password@host:port, smtp+tls://… (STARTTLS) or smtp+ssl://…; whom mails are from.
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT: int = env.int("EMAIL_TIMEOUT", default=30)
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="webmaster@localhost")
# Former secret keys: what was signed or encrypted with them is still read.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
# What depositors who have an address and have chosen nothing are told by mail.
NOTICE_MAIL_DEFAULTS: list[str] = env.list(
    "NOTICE_MAIL_DEFAULTS",
    default=[
        "deposit.rejected",
        "deposit.failed",
        "deposit.held",
        "deposit.expiring",
        "deposit.withdrawn",
    ],
)
# Waits between the attempts to send one notice, in seconds; after the last it is given up. Four days and a half in all.
NOTICE_RETRY_SECONDS: list[float] = env.list(
    "NOTICE_RETRY_SECONDS",
    cast=float,
    default=[5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0, 86_400.0],
)
# A receiver that has done nothing but fail for so many days is paused.
NOTICE_PAUSE_DAYS: float = env.float("NOTICE_PAUSE_DAYS", default=5.0)
# At which hour of the day (UTC) digests are sent.
NOTICE_DIGEST_HOUR: int = env.int("NOTICE_DIGEST_HOUR", default=6)
# How long notices that were delivered or given up are kept, in days.
NOTICE_KEEP_DAYS: int = env.int("NOTICE_KEEP_DAYS", default=90)
# Hosts (or host:port) of the own network that webhooks may be sent to, also without TLS.
WEBHOOK_PRIVATE_HOSTS: list[str] = env.list("WEBHOOK_PRIVATE_HOSTS", default=[])
# How long one webhook may take in all, in seconds; how long the former secret signs beside a new one, in hours.
WEBHOOK_SECONDS: float = env.float("WEBHOOK_SECONDS", default=15.0)
WEBHOOK_ROTATION_HOURS: float = env.float("WEBHOOK_ROTATION_HOURS", default=24.0)
# By-Reference Deposit: from which hosts files are fetched (none by default), how long one may take, and how large
# it may be. Private and loopback addresses are refused, except where tests say otherwise.
BY_REFERENCE_HOSTS: list[str] = env.list("BY_REFERENCE_HOSTS", default=[])
BY_REFERENCE_SECONDS: int = env.int("BY_REFERENCE_SECONDS", default=12 * 3600)
MAX_BY_REFERENCE_SIZE: int = env.int("MAX_BY_REFERENCE_SIZE", default=MAX_UPLOAD_SIZE)
# How many files are fetched from one host at the same time.
BY_REFERENCE_PER_HOST: int = env.int("BY_REFERENCE_PER_HOST", default=2)
BY_REFERENCE_PRIVATE: bool = env.bool("BY_REFERENCE_PRIVATE", default=False)
# What the service calls itself, in the service document and on its pages.
SERVICE_TITLE: str = env.str("SERVICE_TITLE", default="Deposit server")
# TrueType fonts that reports are printed in; the first that has a letter prints it.
REPORT_FONTS: list[str] = env.list(
    "REPORT_FONTS",
    default=[
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
        "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    ],
)
# A sentence at the top of every page, for a service that is not the one that keeps things: "Staging: deposits go".
BANNER: str = env.str("BANNER", default="")
# Who speaks in the archive's own records of deposits: the address of this service.
AUTHORITY_URL: str = env.str("AUTHORITY_URL", default="http://localhost/" if EMBEDDED else "")
# Below which folder batches may be started over the JSON API and from the pages; empty for nowhere.
BATCH_ROOT: str = env.str("BATCH_ROOT", default="")
# How long a checker or loader may be silent before its work is given to another, in seconds.
LEASE_SECONDS: int = env.int("LEASE_SECONDS", default=30)
# How long the dispatcher waits for a sent task to be claimed before it sends it again, in seconds.
RESEND_SECONDS: int = env.int("RESEND_SECONDS", default=60)
# How often a deposit may be claimed by workers that die, before it is set aside as failed.
MAX_ATTEMPTS: int = env.int("MAX_ATTEMPTS", default=5)
# Packages of a deposit that have at least so many bytes together are large: checked and loaded in a lane of their own.
HEAVY_BYTES: int = env.int("HEAVY_BYTES", default=64 * 1024**2)
# Small deposits that wait are checked by one task and judged in one transaction, so many at most; 1: each by itself.
CHECK_TOGETHER: int = env.int("CHECK_TOGETHER", default=16)
# Small deposits that wait are loaded together, so many at most; 1: each by itself.
LOAD_TOGETHER: int = env.int("LOAD_TOGETHER", default=16)
# Partial deposits older than this expire, in days.
PARTIAL_EXPIRES_DAYS: int = env.int("PARTIAL_EXPIRES_DAYS", default=60)
# How long before that their depositors are told, in days.
PARTIAL_NOTICE_DAYS: int = env.int("PARTIAL_NOTICE_DAYS", default=7)
# A request to withdraw or restore a deposit that nobody has reviewed expires, in days.
DELETION_REVIEW_DAYS: float = env.float("DELETION_REVIEW_DAYS", default=30.0)
# The cleanup leaves staged files alone that are younger, in hours; what it sets aside it keeps, in days.
ORPHAN_AGE_HOURS: int = env.int("ORPHAN_AGE_HOURS", default=24)
ORPHAN_KEEP_DAYS: int = env.int("ORPHAN_KEEP_DAYS", default=30)
# When to alert, as warning,error: how long a deposit may wait for a free worker, and how much of a disk must be free.
ALERT_WAITING_SECONDS: tuple[float, float] = as_pair(
    "ALERT_WAITING_SECONDS", env.list("ALERT_WAITING_SECONDS", cast=float, default=[600.0, 1800.0])
)
ALERT_FREE_PERCENT: tuple[float, float] = as_pair(
    "ALERT_FREE_PERCENT", env.list("ALERT_FREE_PERCENT", cast=float, default=[10.0, 5.0])
)
# --- How much at once ----------------------------------------------------------------------------------
# Bytes of the staging disk that no upload may use.
RESERVED_BYTES: int = env.int("RESERVED_BYTES", default=512 * 1024**2)
# Uploads of one client at the same time.
CLIENT_UPLOADS: int = env.int("CLIENT_UPLOADS", default=48)
# What POST /api/check/ looks at, without a deposit: at most so many bytes, and seconds of processor time.
CHECK_MAX_SIZE: int = env.int("CHECK_MAX_SIZE", default=32 * 1024**2)
CHECK_SECONDS: int = env.int("CHECK_SECONDS", default=10)
# Deposits that wait for checkers and loaders: of all clients, and of one.
WAITING: int = env.int("WAITING", default=100_000)
CLIENT_WAITING: int = env.int("CLIENT_WAITING", default=20_000)
# Who signs the releases that the archive loader makes; the default is swh-deposit's own, so that the
# identifiers are the same from either system.
RELEASE_AUTHOR: str = env.str(
    "RELEASE_AUTHOR", default="Trial deposit server <nobody@localhost>" if EMBEDDED else ""
)

# --- Monitoring ----------------------------------------------------------------------------------------
# Who shows this as a Bearer token may read /metrics; unset, only this machine may.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

# Where errors go (a DSN of Sentry, or of what speaks its protocol), and where traces go (OTLP over HTTP).
SENTRY_DSN: str = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT: str = env.str("SENTRY_ENVIRONMENT", default="production")
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")

# --- Celery --------------------------------------------------------------------------------------------
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
CELERY_BROKER_DIR: str = env.str("CELERY_BROKER_DIR", default=str(DATA_DIR / "broker"))

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": SERVICE_TITLE,
    "DESCRIPTION": "Deposits, their findings and history, and what the archive has.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/dashboard/icon.svg",
    "PREPROCESSING_HOOKS": ["deposit.api.schema.only_api"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "deposit.api.schema.problems",
        "deposit.api.schema.versioned",
    ],
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "deposit.monitoring.logs.LineFormatter",
            "times": env.bool("LOG_TIMES", default=not in_journal()),
        },
        "json": {"()": "deposit.monitoring.logs.JsonFormatter"},
    },
    "filters": {"refusals": {"()": "deposit.monitoring.logs.WithoutTracebacksOfRefusals"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", default="line"),
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # What it tells at INFO of every task we tell of every deposit.
    "loggers": {"celery": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}

refuse_insecure_values(
    embedded=EMBEDDED,
    debug=DEBUG,
    secret_key=SECRET_KEY,
    allowed_hosts=ALLOWED_HOSTS,
    broker_url=CELERY_BROKER_URL,
    identity_url=KEYCLOAK_SERVER_URL,
    oidc_issuer=OIDC_ISSUER,
    oidc_client_id=OIDC_CLIENT_ID,
    oidc_secret_expires=OIDC_SECRET_EXPIRES,
    by_reference_private=BY_REFERENCE_PRIVATE,
    bind=env.str("BIND", default=""),
    authority_url=AUTHORITY_URL,
    release_author=RELEASE_AUTHOR,
)
