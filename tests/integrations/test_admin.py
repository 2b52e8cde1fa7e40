"""What support staff see of a connection's permissions."""

from django.contrib import admin

from integrations.models import ApiCallCount, Connection, NoticeSent, SyncUserRequest

FAILS = {
    "name": "Edit Tasks",
    "result": "fail",
    "stops": "E-mails are not logged.",
    "where": "Setup › Permission Sets",
}
PASSES = FAILS | {"name": "API Enabled", "result": "pass"}
UNNEEDED = FAILS | {"name": "Campaigns <b>", "result": "not_needed", "stops": "", "where": ""}


def shown(preflight: list[dict[str, str]]) -> str:
    return admin.site.get_model_admin(Connection).shown_preflight(Connection(preflight=preflight))


def test_what_fails_comes_first_with_what_stops_and_where_it_is_set():
    assert shown([PASSES, UNNEEDED, FAILS]).split("\n") == [
        "<div>fail – Edit Tasks: E-mails are not logged. Setup › Permission Sets</div>",
        "<div>pass – API Enabled</div>",
        "<div>not needed – Campaigns &lt;b&gt;</div>",
    ]


def test_what_was_never_tested_is_a_dash():
    assert shown([]) == "–"


def test_lists_have_names_in_words():
    names = [str(each._meta.verbose_name_plural) for each in (ApiCallCount, NoticeSent, SyncUserRequest)]

    assert names == ["API call counts", "notices", "Sync User requests"]
