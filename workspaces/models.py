"""Who: people, their workspaces, what they may do there, and what was done."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from workspaces.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Makes people; an e-mail address is kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person with an address that is not verified yet; no password means none can be used."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a member of the support staff with every permission in the Django admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str) -> "User":
        """Find by address, whatever its case."""
        return self.get(email=username.strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("support staff", default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    last_workspace = models.ForeignKey(
        "Workspace", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
        )

    def __str__(self) -> str:
        return self.name or self.email


class Plan(models.TextChoices):
    """What a workspace pays for; a self-hosted install starts on DEFAULT_PLAN."""

    FREE = "free", "Free"
    GROWTH = "growth", "Growth"
    GROWTH_CRM = "growth_crm", "Growth + CRM"
    ENTERPRISE = "enterprise", "Enterprise"

    @property
    def includes_salesforce(self) -> bool:
        """Whether members may connect to Salesforce."""
        return self in (Plan.GROWTH_CRM, Plan.ENTERPRISE)


def default_plan() -> str:
    """The plan of a new workspace, from the operator's settings."""
    return settings.DEFAULT_PLAN


class Workspace(models.Model):
    """A company's team: the border that no data crosses."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    plan = models.CharField(max_length=20, choices=Plan.choices, default=default_plan)
    own_domains = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    retention_days = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(7), MaxValueValidator(365)]
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(plan__in=Plan.values), name="workspace_plan_known"),
            models.CheckConstraint(
                condition=Q(retention_days__gte=7, retention_days__lte=365), name="workspace_retention_range"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def includes_salesforce(self) -> bool:
        """Whether the workspace's plan has the Salesforce integration."""
        return Plan(self.plan).includes_salesforce


class Role(models.Model):
    """A group of members with the same Salesforce settings; one of each workspace is the default."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint("workspace", Lower("name"), name="role_name_once"),
            models.UniqueConstraint(fields=["workspace"], condition=Q(is_default=True), name="role_one_default"),
        )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a workspace. Someone who left keeps the row, so that history keeps its owner."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="memberships")
    is_admin = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),)

    def __str__(self) -> str:
        return str(self.user)


class Invitation(models.Model):
    """A letter to one address: single use, seven days; only its digest is kept."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="+")
    is_admin = models.BooleanField(default=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "workspace",
                Lower("email"),
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_one_open",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower_case"),
        )

    def __str__(self) -> str:
        return self.email


class AuditEntry(models.Model):
    """One thing that a person or the system did; written by audit.record alone, never changed."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.CASCADE, related_name="audit_entries")
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=300, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (models.Index(fields=["workspace", "-created_at"], name="audit_by_workspace"),)
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return self.action
