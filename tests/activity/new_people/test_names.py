"""Names out of what mails say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.new_people.names import COMPANY, FIRST_NAME, LAST_NAME, Name, guess_company, split_name


@pytest.mark.parametrize(
    ("display_name", "address", "name"),
    [
        ("Grace Hopper", "g@x.example", Name("Grace", "Hopper")),
        ("Hopper, Grace", "g@x.example", Name("Grace", "Hopper")),
        ("  'Grace   Brewster Hopper' ", "g@x.example", Name("Grace Brewster", "Hopper")),
        ("Vincent van Gogh", "v@x.example", Name("Vincent", "van Gogh")),
        ("Ludwig van der Rohe", "l@x.example", Name("Ludwig", "van der Rohe")),
        ("Van Morrison", "v@x.example", Name("Van", "Morrison")),
        ("de la Cruz, Juana", "j@x.example", Name("Juana", "de la Cruz")),
        ("Dr. Grace Hopper (Navy)", "g@x.example", Name("Grace", "Hopper")),
        ("Grace Hopper | Navy", "g@x.example", Name("Grace", "Hopper")),
        ("Grace Hopper - Sales", "g@x.example", Name("Grace", "Hopper")),
        ("Grace Hopper via Forum", "g@x.example", Name("Grace", "Hopper")),
        ("Mary-Ann O’Neill", "m@x.example", Name("Mary-Ann", "O’Neill")),
        ("Hopper", "g@x.example", Name("", "Hopper")),
        ("李小龙", "b@x.example", Name("", "李小龙")),
        ("", "grace.hopper@navy.mil", Name("Grace", "Hopper")),
        ("grace.hopper@navy.mil", "grace.hopper@navy.mil", Name("Grace", "Hopper")),
        ("", "grace_b_hopper+crm42@navy.mil", Name("Grace B Hopper", "Crm")),
        ("--", "hopper@navy.mil", Name("", "Hopper")),
        ("", "42@navy.mil", Name("", "")),
    ],
)
def test_first_and_last_name(display_name, address, name):
    assert split_name(display_name, address) == name


@pytest.mark.parametrize(
    ("address", "company"),
    [
        ("a@initech.example", "Initech"),
        ("a@mail.initech.example", "Initech"),
        ("a@initech.co.uk", "Initech"),
        ("a@northwind-traders.com", "Northwind Traders"),
        ("a@gmail.com", ""),
        ("a@localhost", ""),
    ],
)
def test_company(address, company):
    assert guess_company(address) == company


@given(st.text(max_size=400), st.text(max_size=300))
def test_whatever_mails_say_fits_into_the_fields(display_name, address):
    name, company = split_name(display_name, address), guess_company(address)

    assert len(name.first) <= FIRST_NAME
    assert len(name.last) <= LAST_NAME
    assert len(company) <= COMPANY
    assert name.first.strip() == name.first
    assert name.last or not name.first
