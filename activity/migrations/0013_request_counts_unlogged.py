from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("activity", "0012_wanted_text"),)

    operations = (
        # A count of the last minute: after a crash it begins anew, and no request waits for it to reach the disk.
        migrations.RunSQL(
            "ALTER TABLE activity_requestcount SET UNLOGGED", "ALTER TABLE activity_requestcount SET LOGGED"
        ),
    )
