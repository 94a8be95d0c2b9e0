"""The history is append-only: the database itself refuses to change or remove an event."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION deposit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'deposit events are append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER deposit_event_append_only BEFORE UPDATE OR DELETE ON deposit_event
    FOR EACH ROW EXECUTE FUNCTION deposit_event_refuse_change();
"""
BACKWARD = """
DROP TRIGGER deposit_event_append_only ON deposit_event;
DROP FUNCTION deposit_event_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("deposit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
