"""What PostgreSQL is told of the tables that grow with every deposit, and indexes that say what others say already."""

import django.db.models.deletion
from django.db import migrations, models

# PostgreSQL looks after a table once a fifth of it has changed: of ten million rows, after two million. Index-only
# scans and estimates of what is newest would be worse from day to day until then.
VACUUM = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02"
ANALYZE = "autovacuum_analyze_scale_factor = 0.02"
# Rows of these are written once, or end soon after they were begun; they are frozen with the first vacuum, so that no
# later one has to read the whole table for it.
WRITTEN_ONCE = "autovacuum_freeze_min_age = 100000"
# Rows that change a few times soon after they were written leave room for it on their page.
ROOM = "fillfactor = 90"

TABLES = {
    "deposit_deposit": (VACUUM, ANALYZE, ROOM),
    "deposit_delivery": (VACUUM, ANALYZE, ROOM),
    "deposit_activity": (VACUUM, ANALYZE, ROOM),
    "deposit_event": (VACUUM, ANALYZE, WRITTEN_ONCE),
    "deposit_part": (VACUUM, ANALYZE, WRITTEN_ONCE),
    "deposit_finding": (VACUUM, ANALYZE, WRITTEN_ONCE),
    "deposit_identifier": (VACUUM, ANALYZE, WRITTEN_ONCE),
    "deposit_notification": (VACUUM, ANALYZE),
    "deposit_submissionkey": (VACUUM, ANALYZE, WRITTEN_ONCE),
    "deposit_auditrecord": (VACUUM, ANALYZE, WRITTEN_ONCE),
}
# Each is the beginning of another index of its table.
REDUNDANT = (
    "deposit_deposit_client_id_7485e293",
    "deposit_deposit_collection_id_6b5f61b2",
    "deposit_delivery_deposit_id_0438b0bd",
    "deposit_activity_delivery_id_cfefae1b",
    "deposit_identifier_deposit_id_feef7b02",
    "deposit_submissionkey_client_id_7386e018",
)


def told(table: str, settings: tuple[str, ...]) -> migrations.RunSQL:
    """Tell PostgreSQL of a table; takes no lock that readers or writers notice."""
    names = ", ".join(one.partition(" = ")[0] for one in ", ".join(settings).split(", "))
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET ({', '.join(settings)})", f"ALTER TABLE {table} RESET ({names})"
    )


def without_index(
    model: str, name: str, field: "models.ForeignKey[models.Model]"
) -> migrations.SeparateDatabaseAndState:
    """Only the state changes: the index is dropped by its name, without a lock."""
    return migrations.SeparateDatabaseAndState(state_operations=[migrations.AlterField(model, name, field)])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("deposit", "0052_erasure_validated")]

    operations = [
        *(told(table, settings) for table, settings in TABLES.items()),
        *(
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index}", migrations.RunSQL.noop)
            for index in REDUNDANT
        ),
        without_index(
            "deposit",
            "client",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deposits",
                to="deposit.client",
            ),
        ),
        without_index(
            "deposit",
            "collection",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deposits",
                to="deposit.collection",
            ),
        ),
        without_index(
            "delivery",
            "deposit",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="deposit.deposit",
            ),
        ),
        without_index(
            "activity",
            "delivery",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activities",
                to="deposit.delivery",
            ),
        ),
        without_index(
            "identifier",
            "deposit",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="identifiers",
                to="deposit.deposit",
            ),
        ),
        without_index(
            "submissionkey",
            "client",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="deposit.client",
            ),
        ),
    ]
