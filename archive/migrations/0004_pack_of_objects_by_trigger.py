"""A pack that has objects cannot be deleted, told by a trigger: the foreign key looked up each object's pack again."""

import django.db.models.deletion
from django.db import migrations, models

# In the order in which a load locks them, so that loads that go on meanwhile wait and are not in a circle with us.
LOCK = "LOCK TABLE archive_pack, archive_object IN ACCESS EXCLUSIVE MODE;"
FORWARD = """
CREATE FUNCTION archive_pack_has_no_objects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        IF EXISTS (SELECT FROM archive_object) THEN
            RAISE EXCEPTION 'packs cannot be emptied: the archive has objects in them'
                USING ERRCODE = 'foreign_key_violation', HINT = 'Empty archive_object in the same statement.';
        END IF;
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM archive_object WHERE pack_id = OLD.id) THEN
        RAISE EXCEPTION 'pack % cannot be deleted: the archive has objects in it', OLD.id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER archive_pack_has_no_objects BEFORE DELETE ON archive_pack
    FOR EACH ROW EXECUTE FUNCTION archive_pack_has_no_objects();
CREATE TRIGGER archive_pack_not_emptied AFTER TRUNCATE ON archive_pack
    FOR EACH STATEMENT EXECUTE FUNCTION archive_pack_has_no_objects();
"""
BACKWARD = """
DROP TRIGGER archive_pack_not_emptied ON archive_pack;
DROP TRIGGER archive_pack_has_no_objects ON archive_pack;
DROP FUNCTION archive_pack_has_no_objects();
"""


class Migration(migrations.Migration):
    dependencies = [("archive", "0003_index_pointers_only")]
    operations = [
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="object",
            name="pack",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="archive.pack",
            ),
        ),
        migrations.RunSQL(FORWARD, LOCK + BACKWARD),
    ]
