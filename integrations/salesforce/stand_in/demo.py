"""The orgs of the demo and of the tests: Acme's own, its sandbox, and Globex, another company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .org import Org

SYNC, ADA, BEN = "sync@touchline.example", "ada@touchline.example", "ben@touchline.example"


def make_orgs() -> tuple[Org, Org, Org]:
    """Return the main org, its sandbox, and another company's org."""
    return make_acme(), make_sandbox(), make_globex()


def make_acme() -> Org:
    """The org of the company that uses Touchline: three users and their customers."""
    org = Org("Acme", instance="A1")
    add_people(org)
    add_customers(org)
    return org


def make_sandbox() -> Org:
    """Acme's sandbox: the same people, one customer."""
    org = Org("Acme Sandbox", instance="S1", is_sandbox=True)
    add_people(org, suffix=".dev")
    account = org.add("Account", Name="Northwind Traders")
    org.add("Contact", FirstName="Nora", LastName="West", Email="nora@northwind.example", AccountId=account)
    return org


def make_globex() -> Org:
    """Another company's org, where nobody of ours belongs."""
    org = Org("Globex", instance="G1")
    org.add_user("carl@globex.example", "Carl", "Globe", is_admin=True)
    return org


def add_people(org: Org, suffix: str = "") -> None:
    """The Salesforce users: one for the integration, and two who sell."""
    org.add_user(SYNC, "Sync", "User", is_admin=True, username=SYNC + suffix)
    org.add_user(ADA, "Ada", "Lovelace", username=ADA + suffix)
    org.add_user(BEN, "Ben", "Franklin", username=BEN + suffix, time_zone="America/New_York")


# account, contacts (first, last, title)
CUSTOMERS = (
    (
        "Northwind Traders",
        (("Nora", "West", "Head of Purchasing"), ("Niels", "Holm", "Logistics"), ("Nadia", "Ruiz", "CFO")),
    ),
    (
        "Initech",
        (("Peter", "Gibson", "Engineer"), ("Milton", "Waddams", "Collator"), ("Joanna", "Reyes", "Operations")),
    ),
    ("Umbrella Health", (("Alice", "Marsh", "Director"), ("Carlos", "Olivo", "Procurement"))),
    ("Stark Solar", (("Tony", "Sparks", "Founder"), ("Virginia", "Potter", "Managing Director"))),
    ("Café Zürich", (("Zoë", "Müller", "Inhaberin"), ("Renée", "O'Connor", "Buyer"))),
)
# account, name, stage, amount, days until it closes, last names of its contacts (the first is primary)
DEALS = (
    ("Northwind Traders", "Northwind: fleet renewal", "Negotiation/Review", 48_000, 21, ("West",)),
    ("Northwind Traders", "Northwind: pilot", "Closed Won", 6_000, -90, ("West", "Holm")),
    ("Initech", "Initech: reporting suite", "Qualification", 22_500, 45, ("Gibson", "Waddams")),
    ("Initech", "Initech: support plan", "Proposal/Price Quote", 9_900, 30, ("Gibson",)),
    ("Initech", "Initech: training", "Closed Lost", 3_000, -30, ("Gibson",)),
    ("Umbrella Health", "Umbrella: ward tablets", "Value Proposition", 120_000, 75, ("Marsh",)),
    ("Stark Solar", "Stark: rooftop sensors", "Prospecting", 15_000, 120, ()),
)
# first, last, company, e-mail; Alice is a contact, too
LEADS = (
    ("Lena", "Lindqvist", "Polar Foods", "lena@polarfoods.example"),
    ("Omar", "Haddad", "Sahara Freight", "omar@saharafreight.example"),
    ("Priya", "Nair", "Monsoon Media", "priya@monsoon.example"),
    ("Tom", "Baker", "Baker & Sons", "tom@bakersons.example"),
    ("Alice", "Marsh", "Umbrella Health", "alice.marsh@umbrellahealth.example"),
)


def add_customers(org: Org) -> None:
    """Accounts with contacts, deals with contact roles, leads."""
    owners = [org.user(ADA)["Id"], org.user(BEN)["Id"]]
    contacts: dict[str, str] = {}
    accounts: dict[str, str] = {}
    for number, (name, people) in enumerate(CUSTOMERS):
        owner = owners[number % 2]
        accounts[name] = org.add("Account", Name=name, Type="Customer - Direct", OwnerId=owner)
        for first, last, title in people:
            contacts[last] = org.add(
                "Contact",
                FirstName=first,
                LastName=last,
                Title=title,
                Email=address_of(first, last, name),
                AccountId=accounts[name],
                OwnerId=owner,
            )
    today = datetime.now(UTC).date()
    for number, (account, name, stage, amount, days, people) in enumerate(DEALS):
        deal = org.add(
            "Opportunity",
            Name=name,
            AccountId=accounts[account],
            StageName=stage,
            Amount=amount,
            CloseDate=(today + timedelta(days=days)).isoformat(),
            OwnerId=owners[number % 2],
        )
        for position, last in enumerate(people):
            org.add("OpportunityContactRole", OpportunityId=deal, ContactId=contacts[last], IsPrimary=not position)
    for number, (first, last, company, email) in enumerate(LEADS):
        org.add("Lead", FirstName=first, LastName=last, Company=company, Email=email, OwnerId=owners[number % 2])
    org.add("Campaign", Name="Spring newsletter", Status="In Progress", IsActive=True)


def address_of(first: str, last: str, company: str) -> str:
    """The e-mail address of a contact, in plain letters."""
    plain = str.maketrans({"ë": "e", "ü": "u", "é": "e", "'": "", " ": ""})
    return f"{first}.{last}@{company}.example".lower().translate(plain)
