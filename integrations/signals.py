"""News for the app above, which integrations must not import. Sent inside the transaction that changed the state."""

from django.dispatch import Signal

connection_lost = Signal()  # connection: Connection, cause: str
connection_restored = Signal()  # connection: Connection (connected for the first time or again)
sync_user_changed = Signal()  # org: SalesforceOrg; sync user set, restored or lost: matching may go on or must wait
records_changed = Signal()  # org: SalesforceOrg, people: list[Person] from the delta of Contacts and Leads
mailbox_connected = Signal()  # mailbox: Mailbox (connected for the first time or again)
