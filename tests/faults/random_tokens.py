"""Random tracking tokens, looked up as the endpoints do, for every purpose, where there are messages to hit."""

import base64
import os
import secrets

BATCH = 2_000


def random_token() -> str:
    """What somebody who guesses would try: the right length, all bits random."""
    return base64.urlsafe_b64encode(secrets.token_bytes(30)).decode()


def probe(count: int) -> int:
    """How many of so many random tokens stand for something."""
    from activity.sources.hits import find_all
    from activity.tracking.tokens import Purpose

    hits = 0
    for begun in range(0, count, BATCH):
        tokens = [random_token() for _ in range(min(BATCH, count - begun))]
        hits += sum(len(find_all(purpose, tokens)) for purpose in Purpose)
    return hits


def probe_database(count: int) -> int:
    """Make a database with 20,000 copies to hit, probe it, remove it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connection

    kept = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0)
    try:
        _register(messages=200, recipients=100)
        return probe(count)
    finally:
        connection.creation.destroy_test_db(kept, verbosity=0)


def _register(messages: int, recipients: int) -> None:
    from activity.models import TrackedCopy
    from activity.sources.tracking import register
    from tests.activity.tracked import item
    from tests.people import make_person
    from workspaces import members

    acme = members.create_workspace("Acme", make_person("Ada")).workspace
    members.add(acme, make_person("Ben"))
    to = [{"email": f"person{number}@customer.example"} for number in range(recipients)]
    for number in range(messages):
        wanted = item(id=str(number), message={"message_id": f"m{number}@acme.example", "to": to})
        register(acme, [wanted | {"pixel": "per_recipient"}])
    assert TrackedCopy.objects.count() == messages * recipients
