"""What it takes to write the outcomes of a batch down."""

import pytest
from django.db import connection as database

WRITTEN_WITH_A_RESULT = {
    "state",
    "reason",
    "reason_detail",
    "error_code",
    "salesforce_id",
    "person_type",
    "person_id",
    "person_name",
    "related_type",
    "related_id",
    "related_name",
    "match_rule",
    "finished_at",
    "changed_at",
}


@pytest.mark.django_db
def test_a_result_touches_no_index_of_the_log() -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT a.attname FROM pg_index i
            JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refobjid = i.indrelid AND d.refobjsubid > 0
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
            WHERE i.indrelid = 'activity_syncjob'::regclass
            """
        )
        in_indexes = {name for (name,) in cursor.fetchall()}

    assert {"workspace_id", "stopped", "created_at"} < in_indexes
    assert in_indexes & WRITTEN_WITH_A_RESULT == set()
