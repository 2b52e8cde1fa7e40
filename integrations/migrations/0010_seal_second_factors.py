"""Seals the secrets of authenticator apps and recovery codes, which were kept in clear."""

from django.db import migrations


def seal_all(apps, schema_editor):
    from integrations.second_factors import rows_behind, seal_anew

    authenticators = apps.get_model("mfa", "Authenticator")
    for row_id, _ in list(rows_behind(authenticators)):
        seal_anew(authenticators, row_id)


def open_all(apps, schema_editor):
    from integrations.second_factors import NAMES, open_factor

    for row in apps.get_model("mfa", "Authenticator").objects.order_by("pk"):
        row.data |= {name: open_factor(row.data[name]) for name in NAMES if name in row.data}
        row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0009_calendar"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [migrations.RunPython(seal_all, open_all)]
