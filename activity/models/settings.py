"""The settings that govern what is logged, and how."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from workspaces.ids import uuid7
from workspaces.models import Membership, Role, User, Workspace


class AfterUnknown(models.TextChoices):
    """What to offer for an address that is not in Salesforce."""

    OFF = "off", "Do nothing"
    LEAD = "lead", "Offer to create a Lead"
    CONTACT = "contact", "Offer to create a Contact"


class BodyChoice(models.TextChoices):
    """How much of a message's text goes into Salesforce."""

    NONE = "none", "Nothing"
    FIRST_LINES = "first_lines", "The first lines"
    FULL = "full", "The whole text"


class RelatedChoice(models.TextChoices):
    """What a record is related to beside the person."""

    NONE = "none", "Nothing"
    ACCOUNT = "account", "Account"
    OPPORTUNITY = "opportunity", "Opportunity, else Account"


class PersonPreference(models.TextChoices):
    """Whom to take when an address belongs to a Contact and a Lead."""

    CONTACT = "contact", "The Contact"
    LEAD = "lead", "The Lead"


class LoggingSettings(models.Model):
    """The Salesforce settings of a role. Every save makes a LoggingSettingsVersion (see activity/settings.py)."""

    role = models.OneToOneField(Role, on_delete=models.CASCADE, related_name="logging_settings")
    version = models.PositiveIntegerField(default=1)
    # Until an admin confirmed the switches (the last step of connecting the Sync User) everything is held.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    members_manage_own = models.BooleanField(
        "Individuals in this role can manage their own Salesforce settings", default=False
    )

    after_unknown = models.CharField(max_length=10, choices=AfterUnknown.choices, default=AfterUnknown.OFF)
    log_automatically = models.BooleanField("Log to Salesforce automatically", default=True)

    log_sent = models.BooleanField("Sent", default=True)
    log_received = models.BooleanField("Received", default=True)
    log_replied = models.BooleanField("Replied", default=True)
    log_opened = models.BooleanField("Opened", default=False)
    log_clicked = models.BooleanField("Clicked", default=False)
    log_downloaded = models.BooleanField("Downloaded", default=False)
    log_meeting_confirmed = models.BooleanField("Meeting Confirmed", default=True)

    # Kind -> template, only where it differs from the default of compose.SUBJECT_TEMPLATES.
    subject_templates = models.JSONField(default=dict, blank=True)

    related = models.CharField(max_length=12, choices=RelatedChoice.choices, default=RelatedChoice.OPPORTUNITY)
    only_my_opportunities = models.BooleanField("Only opportunities that the member owns", default=False)
    only_with_contact_role = models.BooleanField(
        "Only opportunities in which the person has a contact role", default=True
    )
    closed_opportunities = models.BooleanField("Closed opportunities too", default=False)
    person_preference = models.CharField(
        max_length=8, choices=PersonPreference.choices, default=PersonPreference.CONTACT
    )

    body = models.CharField(max_length=12, choices=BodyChoice.choices, default=BodyChoice.FIRST_LINES)
    assignment_rules = models.BooleanField("Run lead assignment rules", default=False)
    one_task_per_message = models.BooleanField(
        "One Task per message: opens and clicks are added to the Sent Task", default=False
    )
    log_machine_opens = models.BooleanField("Log opens by machines", default=False)
    hold_minutes = models.PositiveSmallIntegerField("Minutes to wait before logging", default=0)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "logging settings"
        constraints = (models.CheckConstraint(condition=Q(hold_minutes__lte=1440), name="logging_hold_up_to_a_day"),)


class LoggingSettingsVersion(models.Model):
    """What a role's settings were after one save, by whom."""

    settings = models.ForeignKey(LoggingSettings, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["settings", "number"], name="settings_version_once"),)


class MemberSettings(models.Model):
    """A member's own choices on CRM & Live Feed."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="member_settings")
    sync_all_messages = models.BooleanField(
        "Sync all messages to Salesforce whether or not I send them with Touchline", default=False
    )
    # Kinds to log, when the role lets its members decide and this one did; null: as the role says.
    own_kinds = ArrayField(models.CharField(max_length=20), null=True, blank=True)
    share_in_feed = models.BooleanField("Teammates see my activities in the Live Feed", default=True)

    class Meta:
        verbose_name_plural = "member settings"


class ExclusionKind(models.TextChoices):
    """What an exclusion looks at."""

    DOMAIN = "domain", "Domain"
    ADDRESS = "address", "Address"
    SUBJECT = "subject", "Subject word"


class Exclusion(models.Model):
    """Something that is never logged: for a role, or (membership set) personal, which admins cannot read.

    `is_override` turns it round: an address of the built-in list of system addresses that is logged all the same.
    """

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="exclusions")
    role = models.ForeignKey(Role, null=True, on_delete=models.CASCADE, related_name="exclusions")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.CASCADE, related_name="never_log")
    kind = models.CharField(max_length=8, choices=ExclusionKind.choices)
    value = models.CharField(max_length=320)
    is_override = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(role__isnull=False, membership__isnull=True)
                | Q(role__isnull=True, membership__isnull=False),
                name="exclusion_of_role_or_member",
            ),
            models.UniqueConstraint(
                "role", "kind", Lower("value"), condition=Q(membership=None), name="exclusion_once_per_role"
            ),
            models.UniqueConstraint(
                "membership", "kind", Lower("value"), condition=Q(role=None), name="exclusion_once_per_member"
            ),
        )
