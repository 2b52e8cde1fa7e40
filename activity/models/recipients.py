"""How the recipient of a row is called where people read it."""

ERASED = "erased:"
"""What stands before the row's number where the address of an erased person stood: each row keeps its own."""


def name_recipient(recipient: str) -> str:
    """The address; words instead of the mark of somebody who was erased (activity/erasure.py)."""
    return "an erased person" if recipient.startswith(ERASED) else recipient
