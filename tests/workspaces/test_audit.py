"""workspaces/audit.py: what is recorded, and that it stays."""

import pytest
from django.db import IntegrityError, transaction

from workspaces import audit
from workspaces.audit import Action
from workspaces.models import AuditEntry


def test_record_keeps_who_did_what_on_what(acme, ada):
    entry = audit.record(Action.SETTINGS_SAVED, workspace=acme, actor=ada, target="Sales", details={"version": 3})
    entry = AuditEntry.objects.get(pk=entry.pk)
    assert (entry.workspace, entry.actor, entry.action, entry.target, entry.details) == (
        acme,
        ada,
        "settings.saved",
        "Sales",
        {"version": 3},
    )


def test_record_takes_the_registered_words_of_the_apps_above(acme):
    assert audit.record("api_key.created", workspace=acme, target="x" * 400).target == "x" * 300


def test_record_refuses_an_action_that_is_not_registered(acme):
    before = AuditEntry.objects.count()
    with pytest.raises(ValueError, match="is not a valid Action"):
        audit.record("api_key.peeked", workspace=acme)
    assert AuditEntry.objects.count() == before


def test_an_entry_is_never_changed(acme, ada):
    entry = audit.record(Action.SETTINGS_SAVED, workspace=acme, actor=ada, target="Sales")
    for change in ({"target": "Marketing"}, {"actor": None, "action": "member.left"}, {"workspace": None}):
        with pytest.raises(IntegrityError, match="an audit entry is never changed"), transaction.atomic():
            AuditEntry.objects.filter(pk=entry.pk).update(**change)
    AuditEntry.objects.filter(pk=entry.pk).update(actor=None)
    entry.refresh_from_db()
    assert (entry.actor, entry.action, entry.target) == (None, "settings.saved", "Sales")
