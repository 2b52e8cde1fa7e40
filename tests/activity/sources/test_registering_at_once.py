"""One message, registered by several requests at the same moment, is one message."""

import threading

import pytest
from django.db import connections

from activity.models import Message, Participant, TrackedCopy, TrackedMessage
from activity.sources.tracking import Registered, register
from tests.activity.tracked import to_two
from tests.people import make_person
from workspaces import members
from workspaces.models import Workspace

THREADS, ROUNDS = 6, 5


@pytest.mark.django_db(transaction=True)
def test_every_request_gets_the_same_answer() -> None:
    acme = members.create_workspace("Acme", make_person("Ada")).workspace
    members.add(acme, make_person("Ben"))
    for number in range(ROUNDS):
        answers = race(acme, to_two(id=str(number), pixel="per_recipient"))

        assert len(answers) == THREADS
        assert answers[0].errors == ()
        assert answers == [answers[0]] * THREADS
    assert (TrackedMessage.objects.count(), TrackedCopy.objects.count()) == (ROUNDS, 2 * ROUNDS)
    assert (Message.objects.count(), Participant.objects.count()) == (1, 3)


def race(acme: Workspace, wanted: dict) -> list[Registered]:
    """What each of the threads was answered."""
    barrier = threading.Barrier(THREADS)
    answers: list[Registered] = []

    def run() -> None:
        try:
            barrier.wait()
            answers.extend(register(acme, [wanted]))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers
