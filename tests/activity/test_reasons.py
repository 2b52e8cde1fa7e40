"""Every state and reason has its words, and they are words for people."""

import re
from dataclasses import dataclass

import pytest

from activity.models import Kind, Reason, SyncState
from activity.reasons import REASON_WORDS, STATE_WORDS, Button, explain
from integrations.salesforce.errors import ERROR_TABLE


@dataclass
class Job:
    state: str = "waiting"
    kind: str = "opened"
    object_type: str = "Task"
    recipient: str = "grace@hopper.example"
    error_code: str = ""


JARGON = re.compile(
    r"\b(sync job|null|none|payload|lease|canary|exception|enum|http|json|oauth|token|timeout|retry_at|queue|"
    r"worker|database|backoff|idempotent|quarantined?|internal error)\b|_|\{|\}",
    re.IGNORECASE,
)


def test_no_reason_and_no_state_is_without_words():
    assert set(REASON_WORDS) == set(Reason)
    assert set(STATE_WORDS) == {SyncState.WAITING, SyncState.UNKNOWN, SyncState.SYNCED}


@pytest.mark.parametrize("reason", [*Reason])
@pytest.mark.parametrize("detail", ["", "domain acme.example"])
def test_words_are_sentences_without_jargon(reason, detail):
    found = explain(reason, detail, Job(state="failed"))

    for sentence in filter(None, (found.sentence, found.fix)):
        assert JARGON.search(sentence) is None
        assert re.fullmatch(r"[A-Z“].*[.”]|.*: domain acme\.example\.?|[dD]omain acme.*", sentence), sentence
    assert found.sentence
    assert found.who


@pytest.mark.parametrize("state", [*STATE_WORDS])
def test_states_without_a_reason_have_words_too(state):
    assert explain("", "", Job(state=state)).sentence


def test_the_kind_and_the_detail_complete_the_sentence():
    assert explain(Reason.SWITCHED_OFF, "", Job()).sentence == "“Opened” activities are switched off by the role."
    assert explain(Reason.EXCLUDED, "domain acme.example", Job()).sentence == (
        "Never logged, by this rule: domain acme.example."
    )
    assert explain(Reason.EXCLUDED, "", Job()).sentence == "A rule says that this is never logged."


def test_a_detail_with_braces_is_text():
    assert explain(Reason.REJECTED, "{kind} {0}", Job()).sentence == "Salesforce did not accept it: {kind} {0}"


@pytest.mark.parametrize("row", [row for row in ERROR_TABLE if row.source == "api"], ids=lambda row: row.code)
def test_a_rejected_row_with_a_known_code_says_what_the_error_table_says(row):
    found = explain(Reason.REJECTED, "", Job(state="failed", error_code=row.code))

    assert found.sentence.endswith(".")
    assert found.button == Button.RETRY
    assert found.who


def test_a_code_that_stands_in_no_table_shows_salesforces_own_words():
    found = explain(Reason.REJECTED, "The moon is not in position", Job(state="failed", error_code="MOON"))

    assert found.sentence == "Salesforce did not accept it: The moon is not in position"


def test_who_can_fix_it_is_a_sentence_unless_it_goes_on_by_itself():
    assert explain(Reason.NO_SYNC_USER, "", Job()).remedy == (
        "Who can fix it: a workspace admin, in Settings › Workspace › Integrations."
    )
    assert explain(Reason.SALESFORCE_DOWN, "", Job()).remedy == ""
    assert explain(Reason.NOT_CONNECTED, "", Job()).is_for_owner


def test_buttons_that_lead_to_admins_pages_are_known():
    assert {button for button in Button if button.is_for_admins} == {
        Button.ROLE_SETTINGS,
        Button.CONFIRM_ROLES,
        Button.WORKSPACE_INTEGRATIONS,
    }
    assert Kind.OPENED.label in explain(Reason.SWITCHED_OFF, "", Job()).sentence
