"""Trigram indexes for the search of titles, reasons and file names.

They need PostgreSQL's extension ``pg_trgm``, which every distribution has and the embedded server has not: without it
a search reads the whole table, and all else is the same. ``manage.py museum_setup`` makes them once it is there.
"""

from django.db import Error, connection, transaction

# On what Django's `icontains` compares.
_INDEXES = {
    "museum_objects_title_search": ("museum_objects", "title"),
    "museum_objects_reason_search": ("museum_objects", "freeze_reason"),
    "museum_packages_filename_search": ("museum_packages", "sip_filename"),
}


def make_search_indexes() -> bool:
    """Make the indexes that are missing; return False where the extension cannot be had."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone() is None:
            return False
        try:
            with transaction.atomic():
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except Error:  # its owner alone may, or a superuser
            return False
        for name, (table, column) in _INDEXES.items():
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (upper({column}::text) gin_trgm_ops)"
            )
    return True
