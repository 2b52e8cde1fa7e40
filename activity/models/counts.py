"""How many rows there are, so that no page counts them.

The database keeps the numbers itself: triggers append a RowCountChange for each statement that adds, changes or
removes rows, in the same transaction and waiting for nobody; each minute the changes are folded into RowCountSum
(activity/counts.py). RowCount is the sum of both, at every moment what counting the rows would give.
"""

from django.db import models

from workspaces.models import Membership, Workspace


class Counted(models.TextChoices):
    """What is counted, and by which time."""

    LOG = "log", "Rows of the Activity Log, by when they were made"
    FEED = "feed", "Activities, by when they happened"


class RowCounts(models.Model):
    """`rows` rows of one kind that fall into the quarter of an hour from `quarter` on (UTC), or of any time (NULL).

    In every time zone a day begins on a quarter of an hour, so that the days of any of them can be put together
    (IANA time zone database, since 1972). Of the feed kind, state, reason and error code are empty.
    """

    # Rows of a member or workspace that is deleted are counted out by the triggers, like any others.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    owner = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    counted = models.CharField(max_length=4, choices=Counted.choices)
    quarter = models.DateTimeField(null=True)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=24)
    error_code = models.CharField(max_length=80)
    rows = models.BigIntegerField()

    class Meta:
        abstract = True


class RowCountChange(RowCounts):
    """So many rows more, or fewer (below 0), since the last fold. Owner and quarter are always named."""

    class Meta:
        indexes = (models.Index(fields=["workspace", "owner"], name="row_count_change_of_owner"),)


class RowCountSum(RowCounts):
    """The rows up to the last fold: of each member and, without an owner, of everybody in the workspace; of each
    quarter of an hour and of any time."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "owner", "counted", "quarter", "kind", "state", "reason", "error_code"],
                nulls_distinct=False,
                name="row_count_once",
            ),
        )


class RowCount(RowCounts):
    """The rows as they are now, to be summed: a view of both, with the four levels of RowCountSum."""

    class Meta:
        managed = False
        db_table = "activity_rowcount"
