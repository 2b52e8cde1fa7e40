"""A Contact or Lead is created once, by the member, whatever becomes of the call."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from activity.models import CreationState, KnownPerson, LoggingSettings, PersonCreation
from activity.new_people.create import AlreadyThereError, DuplicatesFoundError, Wanted, create_person
from activity.new_people.look_up import LOOK_UP, look_up, queue_look_ups
from activity.new_people.possible import CreationError
from activity.pipeline.captured import Person
from integrations.models import Connection, Intent
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.stories import connect, log, report, sent, states
from tests.integrations.journeys import ADA, BEN
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import AuditEntry, Membership, Workspace

GRACE = "grace@hopper.example"
LEAD = Wanted("Lead", "Hopper", "Grace", "Navy")
CONTACT = Wanted("Contact", "Hopper", "Grace")
SYNCED, UNMATCHED = ("synced", ""), ("skipped", "no_match")
GRACES = {"Email": GRACE, "LastName": "Hopper"}


@pytest.fixture
def waiting(acme: Workspace, bens_connection: Connection) -> None:
    """Two mails to somebody whom nobody in Salesforce knows."""
    report(acme, *(sent(number, to=(Person(GRACE, "Grace Hopper"),)) for number in (1, 2)))
    log(bens_connection)
    assert states() == [UNMATCHED, UNMATCHED]


def refusal(member: Membership, wanted: Wanted = LEAD, token: uuid.UUID | None = None) -> str:
    with pytest.raises(CreationError) as raised:
        create_person(member, GRACE, wanted, token or uuid.uuid4())
    return raised.value.user_message


def people(salesforce: TestedStandIn) -> list[tuple[str, str]]:
    """Everybody in Salesforce with Grace's address: kind and name."""
    rows = [(kind, row) for kind in ("Contact", "Lead") for row in salesforce.org.rows(kind)]
    return [(kind, row["Name"]) for kind, row in rows if (row.get("Email") or "").lower() == GRACE]


def lose(salesforce: TestedStandIn, kind: str = "process_then_drop", **more: Any) -> None:
    salesforce.faults.add(Fault(kind, method="POST", path="sobjects/(Lead|Contact)$", **more))


# --- Created ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("wanted", [LEAD, CONTACT])
def test_created_as_the_member_and_what_waits_is_logged(
    salesforce: TestedStandIn, bens_connection: Connection, ben_member: Membership, wanted: Wanted
) -> None:
    token = uuid.uuid4()

    creation = create_person(ben_member, GRACE, wanted, token)

    [row] = [row for row in salesforce.org.rows(wanted.kind) if row.get("Email") == GRACE]
    ben_there = salesforce.org.user(BEN)["Id"]
    assert (row["FirstName"], row["LastName"], row.get("Company")) == ("Grace", "Hopper", wanted.company or None)
    assert (row["CreatedById"], row["OwnerId"]) == (ben_there, ben_there)
    assert (creation.uuid, creation.state, creation.salesforce_id) == (token, "created", row["Id"])
    log(bens_connection)
    assert states() == [SYNCED, SYNCED]
    assert {task["WhoId"] for task in salesforce.org.rows("Task")} == {row["Id"]}
    known = KnownPerson.objects.get(address=GRACE)
    assert (known.chosen_id, [each["name"] for each in known.candidates]) == (row["Id"], ["Grace Hopper"])
    entry = AuditEntry.objects.get(action="person.created_in_salesforce")
    assert (entry.actor, entry.target) == (ben_member.user, wanted.kind)
    assert entry.details == {"record": row["Id"], "kind": wanted.kind}


@pytest.mark.usefixtures("waiting")
def test_a_colleagues_mail_to_the_same_person_is_logged_too(
    salesforce: TestedStandIn, acme: Workspace, ada_member: Membership, ben_member: Membership
) -> None:
    adas = connect(salesforce, ada_member, ADA, Intent.MEMBER)
    report(acme, sent(3, user="ada@acme.example", sender=Person("ada@acme.example"), to=(Person(GRACE),)))
    log(adas)
    assert states(owner=ada_member) == [UNMATCHED]

    create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    log(adas)
    assert states(owner=ada_member) == [SYNCED]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("on", "owner"), [(False, BEN), (True, ADA)])
def test_assignment_rules_run_when_the_role_says_so(
    salesforce: TestedStandIn, ben_member: Membership, on: bool, owner: str
) -> None:
    salesforce.org.assign_leads(ADA)
    LoggingSettings.objects.filter(role=ben_member.role).update(assignment_rules=on)

    create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    [lead] = [row for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    assert lead["OwnerId"] == salesforce.org.user(owner)["Id"]


@pytest.mark.usefixtures("waiting")
def test_a_first_name_that_may_not_be_filled_in_is_left_out(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    salesforce.org.make_read_only("Lead", "FirstName", BEN)

    create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    assert people(salesforce) == [("Lead", "Hopper")]


# --- Once -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
def test_the_same_form_twice_creates_once(salesforce: TestedStandIn, ben_member: Membership) -> None:
    token = uuid.uuid4()
    first = create_person(ben_member, GRACE, LEAD, token)

    again = create_person(ben_member, GRACE, LEAD, token)

    assert (again.pk, again.salesforce_id) == (first.pk, first.salesforce_id)
    assert people(salesforce) == [("Lead", "Grace Hopper")]


@pytest.mark.usefixtures("waiting")
def test_a_second_tab_finds_whom_the_first_created(salesforce: TestedStandIn, ben_member: Membership) -> None:
    first = create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    with pytest.raises(AlreadyThereError) as raised:
        create_person(ben_member, GRACE, CONTACT, uuid.uuid4())

    assert [each.id for each in raised.value.candidates] == [first.salesforce_id]
    assert people(salesforce) == [("Lead", "Grace Hopper")]


@pytest.mark.usefixtures("waiting")
def test_whom_the_first_created_is_known_though_nobody_may_see_them(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    first = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.hide_row(first.salesforce_id)

    with pytest.raises(AlreadyThereError) as raised:
        create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    assert [each.id for each in raised.value.candidates] == [first.salesforce_id]


@pytest.mark.usefixtures("waiting")
def test_somebody_deleted_since_can_be_created_again(salesforce: TestedStandIn, ben_member: Membership) -> None:
    first = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.remove(first.salesforce_id)

    second = create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    assert second.salesforce_id != first.salesforce_id
    assert people(salesforce) == [("Lead", "Grace Hopper")]


@pytest.mark.usefixtures("waiting")
def test_while_one_is_open_nobody_in_the_workspace_creates_another(
    salesforce: TestedStandIn, ada_member: Membership, ben_member: Membership
) -> None:
    connect(salesforce, ada_member, ADA, Intent.MEMBER)
    lose(salesforce)
    salesforce.org.blind_queries("Lead")
    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.OPEN

    expected = "Somebody is being created for this address right now. Look again in a minute."
    assert refusal(ben_member) == expected
    assert refusal(ada_member, CONTACT) == expected
    assert people(salesforce) == [("Lead", "Grace Hopper")]


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_create_once(salesforce: TestedStandIn, waiting: None, ben_member: Membership) -> None:
    salesforce.faults.add(Fault("delay", method="POST", path="sobjects/Lead$", seconds=0.3))
    token, results = uuid.uuid4(), []
    barrier = threading.Barrier(4)

    def press(with_token: uuid.UUID) -> None:
        barrier.wait()
        try:
            results.append(create_person(ben_member, GRACE, LEAD, with_token).state)
        except CreationError as error:
            results.append(type(error).__name__)
        finally:
            database.close()

    threads = [threading.Thread(target=press, args=[each]) for each in (token, token, uuid.uuid4(), uuid.uuid4())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert people(salesforce) == [("Lead", "Grace Hopper")]
    assert results.count("created") == 1


def test_a_form_of_somebody_else_is_refused(
    salesforce: TestedStandIn, waiting: None, ada_member: Membership, ben_member: Membership
) -> None:
    token = uuid.uuid4()
    create_person(ben_member, GRACE, LEAD, token)

    assert refusal(ada_member, token=token) == "This form belongs to another address. Open it again."


# --- Somebody is there already ----------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("kind", ["Contact", "Lead"])
def test_who_has_the_address_by_now_is_offered_instead(
    salesforce: TestedStandIn, ben_member: Membership, kind: str
) -> None:
    more = {"Company": "Navy"} if kind == "Lead" else {}
    there = salesforce.org.add(kind, LastName="Murray", Email=GRACE.upper(), **more)

    with pytest.raises(AlreadyThereError) as raised:
        create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    assert [(each.id, each.kind, each.name) for each in raised.value.candidates] == [(there, kind, "Murray")]
    assert not PersonCreation.objects.exists()
    assert len(people(salesforce)) == 1


@pytest.mark.usefixtures("waiting")
def test_whom_only_the_sync_user_may_see_is_not_created_again(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    there = salesforce.org.add("Contact", **GRACES)
    salesforce.org.hide_from(BEN, [there])

    with pytest.raises(AlreadyThereError) as raised:
        create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    assert [each.id for each in raised.value.candidates] == [there]


@pytest.mark.usefixtures("waiting")
def test_without_knowing_whether_somebody_is_there_nobody_is_created(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    salesforce.faults.add(Fault("api_error", path="composite$", code="UNABLE_TO_LOCK_ROW"))

    assert refusal(ben_member).startswith("Touchline could not look whether somebody has this address.")
    assert people(salesforce) == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("blocks", [False, True])
def test_a_duplicate_rule_says_whom_it_found(
    salesforce: TestedStandIn, bens_connection: Connection, ben_member: Membership, blocks: bool
) -> None:
    there = salesforce.org.add("Lead", FirstName="Grace", LastName="Hopper", Company="Navy", Email="old@navy.example")
    unseen = salesforce.org.add("Contact", FirstName="Grace", LastName="Hopper")
    salesforce.org.hide_from(BEN, [unseen])
    salesforce.org.add_duplicate_rule("Lead", ["FirstName", "LastName"], among=["Lead", "Contact"], blocks=blocks)

    with pytest.raises(DuplicatesFoundError) as raised:
        create_person(ben_member, GRACE, LEAD, uuid.uuid4())

    found = raised.value
    assert [(each.id, each.name, each.account_name) for each in found.candidates] == [(there, "Grace Hopper", "Navy")]
    said = "A duplicate rule of your Salesforce org takes this for somebody who is there already: “Use one of these"
    said += " records?”" + " It does not let anybody create another one." * blocks
    assert (found.user_message, found.unseen, found.may_save) == (said, 1, not blocks)
    anyway = Wanted("Lead", "Hopper", "Grace", "Navy", anyway=True)
    if blocks:
        assert refusal(ben_member, anyway) == said
        assert people(salesforce) == []
    else:
        create_person(ben_member, GRACE, anyway, uuid.uuid4())
        assert people(salesforce) == [("Lead", "Grace Hopper")]


# --- Not possible -----------------------------------------------------------------------------------------


def test_only_with_the_own_connection(
    salesforce: TestedStandIn, waiting: None, acme: Workspace, ada_member: Membership
) -> None:
    with pytest.raises(CreationError) as raised:
        create_person(ada_member, GRACE, LEAD, uuid.uuid4())

    assert raised.value.connect
    assert raised.value.user_message == (
        "Records are created with your own Salesforce user. Connect to Salesforce first, then come back."
    )


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("denied", ["c", "r"])
def test_without_the_right_to_create(salesforce: TestedStandIn, ben_member: Membership, denied: str) -> None:
    salesforce.org.deny(BEN, "Lead", denied)

    assert refusal(ben_member) == (
        "Your Salesforce user may not create Leads. Ask your Salesforce admin for it: "
        "Setup › Permission Sets › Object Settings › Leads › Create."
    )


@pytest.mark.usefixtures("waiting")
def test_without_the_right_to_fill_in_a_field(salesforce: TestedStandIn, ben_member: Membership) -> None:
    salesforce.org.hide_field("Contact", "Email", BEN)

    assert refusal(ben_member, CONTACT) == (
        "Your Salesforce user may not fill in Email of a Contact. Ask your Salesforce admin: "
        "Setup › Object Manager › Contact › Fields & Relationships › the field › Set Field-Level Security."
    )


@pytest.mark.usefixtures("waiting")
def test_fields_that_the_org_requires_beyond_the_form(salesforce: TestedStandIn, ben_member: Membership) -> None:
    salesforce.org.add_field("Lead", "Region__c", required=True)
    salesforce.org.add_field("Lead", "Segment__c", required=True)

    assert refusal(ben_member) == (
        "Your Salesforce org requires Region__c and Segment__c of every Lead, which this form does not have. Create "
        "the Lead in Salesforce, then press “Look again” here; or have your Salesforce admin make it optional under "
        "Setup › Object Manager › Lead › Fields & Relationships."
    )
    assert people(salesforce) == []


@pytest.mark.usefixtures("waiting")
def test_what_an_admin_changed_meanwhile_holds_at_once(salesforce: TestedStandIn, ben_member: Membership) -> None:
    salesforce.org.add_field("Lead", "Region__c", required=True)
    salesforce.org.deny(BEN, "Contact", "c")
    refusal(ben_member)
    refusal(ben_member, CONTACT)

    salesforce.org.remove_field("Lead", "Region__c")
    salesforce.org.deny(BEN, "Contact", "")

    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.CREATED


@pytest.mark.usefixtures("waiting")
def test_what_a_validation_rule_says(salesforce: TestedStandIn, ben_member: Membership) -> None:
    salesforce.org.add_validation_rule("Lead", "Leads need a region.")

    said = refusal(ben_member)

    assert said.startswith("The Lead was not created. A validation rule of your Salesforce org refused the record")
    assert said.endswith("Salesforce says: Leads need a region.")
    assert not PersonCreation.objects.exists()
    salesforce.org.remove_validation_rules()
    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.CREATED


@pytest.mark.usefixtures("waiting")
def test_an_address_that_salesforce_cannot_hold(ben_member: Membership) -> None:
    with pytest.raises(CreationError) as raised:
        create_person(ben_member, f"{'g' * 70}@hopper.example", LEAD, uuid.uuid4())

    assert raised.value.user_message == "Salesforce holds addresses of up to 80 characters; this one is longer."


# --- The answer is lost -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("kind", ["process_then_drop", "process_then_html", "process_then_garbage"])
def test_a_lost_answer_is_looked_up_at_once(
    salesforce: TestedStandIn, bens_connection: Connection, ben_member: Membership, kind: str
) -> None:
    lose(salesforce, kind, status=502)
    token = uuid.uuid4()

    creation = create_person(ben_member, GRACE, LEAD, token)

    assert creation.state == CreationState.CREATED
    assert create_person(ben_member, GRACE, LEAD, token).salesforce_id == creation.salesforce_id
    assert people(salesforce) == [("Lead", "Grace Hopper")]
    log(bens_connection)
    assert states() == [SYNCED, SYNCED]


@pytest.mark.usefixtures("waiting")
def test_what_never_arrived_is_known_after_the_last_look_and_then_a_person_may_try_again(
    salesforce: TestedStandIn, ben_member: Membership, clock: Any
) -> None:
    lose(salesforce, "drop")
    token = uuid.uuid4()
    assert create_person(ben_member, GRACE, LEAD, token).state == CreationState.OPEN

    for _ in range(20):
        clock.advance(minutes=1)
        for pk in PersonCreation.objects.filter(state="", next_look_at__lte=timezone.now()).values_list(
            "pk", flat=True
        ):
            look_up(pk)
    creation = PersonCreation.objects.get()
    assert creation.state == CreationState.NOT_CREATED
    assert people(salesforce) == []

    assert create_person(ben_member, GRACE, LEAD, token).state == CreationState.NOT_CREATED
    assert people(salesforce) == []
    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.CREATED
    assert people(salesforce) == [("Lead", "Grace Hopper")]


@pytest.mark.usefixtures("waiting")
def test_what_arrives_minutes_later_is_found_by_the_queue(
    salesforce: TestedStandIn, bens_connection: Connection, ben_member: Membership, clock: Any
) -> None:
    lose(salesforce)
    salesforce.org.blind_queries("Lead")
    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.OPEN
    assert queue_look_ups(timezone.now()) == 0

    clock.advance(minutes=5)
    salesforce.org.blind_queries("Lead", False)
    assert queue_look_ups(timezone.now()) == 1
    task = OrmQ.objects.order_by("-pk")[0].task
    assert (task["func"], task["args"]) == (LOOK_UP, (PersonCreation.objects.get().pk,))
    import_string(task["func"])(*task["args"])

    assert PersonCreation.objects.get().state == CreationState.CREATED
    log(bens_connection)
    assert states() == [SYNCED, SYNCED]
    known = KnownPerson.objects.get(address=GRACE)
    assert [each["name"] for each in known.candidates] == ["Grace Hopper"]


@pytest.mark.usefixtures("waiting")
def test_what_a_rule_gave_to_somebody_else_is_found_by_the_sync_user(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    lose(salesforce)
    salesforce.org.blind_queries("Lead")
    creation = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.blind_queries("Lead", False)
    [lead] = [row for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    salesforce.org.hide_from(BEN, [lead["Id"]])

    assert look_up(creation.pk).salesforce_id == lead["Id"]


@pytest.mark.usefixtures("waiting")
def test_a_colleagues_record_with_the_address_is_not_taken_for_ours(
    salesforce: TestedStandIn, ben_member: Membership
) -> None:
    lose(salesforce, "drop")
    creation = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.add("Lead", Company="Navy", **GRACES)

    assert look_up(creation.pk).state == CreationState.OPEN


@pytest.mark.usefixtures("waiting")
def test_who_was_merged_or_deleted_before_the_look(salesforce: TestedStandIn, ben_member: Membership) -> None:
    lose(salesforce)
    salesforce.org.blind_queries("Lead")
    creation = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.blind_queries("Lead", False)
    [lead] = [row for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    salesforce.org.remove(lead["Id"])

    settled = look_up(creation.pk)

    assert (settled.state, settled.salesforce_id) == (CreationState.REMOVED, lead["Id"])
    assert states() == [UNMATCHED, UNMATCHED]


@pytest.mark.usefixtures("waiting")
def test_who_was_merged_is_the_one_that_survived(salesforce: TestedStandIn, ben_member: Membership) -> None:
    lose(salesforce)
    salesforce.org.blind_queries("Lead")
    creation = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    salesforce.org.blind_queries("Lead", False)
    winner = salesforce.org.add("Lead", LastName="Murray", Company="Navy")
    [lead] = [row for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    salesforce.org.merge(winner, lead["Id"])

    assert look_up(creation.pk).salesforce_id == winner


@pytest.mark.usefixtures("waiting")
def test_without_the_connection_that_sent_it_nothing_is_concluded(
    salesforce: TestedStandIn, bens_connection: Connection, ben_member: Membership, clock: Any
) -> None:
    lose(salesforce, "drop")
    creation = create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    Connection.objects.filter(pk=bens_connection.pk).update(state="needs_attention", cause="revoked")

    clock.advance(minutes=30)
    assert look_up(creation.pk).state == CreationState.OPEN
    assert PersonCreation.objects.get().next_look_at > timezone.now()


def test_a_worker_that_died_before_the_call_leaves_nothing_in_the_way(
    salesforce: TestedStandIn, waiting: None, acme: Workspace, ben_member: Membership, clock: Any
) -> None:
    PersonCreation.objects.create(
        uuid=uuid.uuid4(),
        workspace=acme,
        member=ben_member,
        address=GRACE,
        kind="Lead",
        connection_id=1,
        salesforce_user_id="005000000000001AAA",
    )
    assert refusal(ben_member).startswith("Somebody is being created")

    clock.advance(minutes=11)
    queue_look_ups(timezone.now())

    assert create_person(ben_member, GRACE, LEAD, uuid.uuid4()).state == CreationState.CREATED


@pytest.mark.usefixtures("waiting")
def test_creations_are_forgotten_after_a_day(salesforce: TestedStandIn, ben_member: Membership, clock: Any) -> None:
    create_person(ben_member, GRACE, LEAD, uuid.uuid4())
    clock.advance(hours=23)
    queue_look_ups(timezone.now())
    assert PersonCreation.objects.exists()

    clock.advance(hours=2)
    queue_look_ups(timezone.now())
    assert not PersonCreation.objects.exists()
