"""The history and the audit are not emptied at once either: what is append-only for rows is so for the table."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER deposit_event_no_truncate BEFORE TRUNCATE ON deposit_event
    FOR EACH STATEMENT EXECUTE FUNCTION deposit_event_refuse_change();
CREATE TRIGGER deposit_audit_no_truncate BEFORE TRUNCATE ON deposit_auditrecord
    FOR EACH STATEMENT EXECUTE FUNCTION deposit_audit_refuse_change();
"""
BACKWARD = """
DROP TRIGGER deposit_event_no_truncate ON deposit_event;
DROP TRIGGER deposit_audit_no_truncate ON deposit_auditrecord;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("deposit", "0019_public_collections"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
