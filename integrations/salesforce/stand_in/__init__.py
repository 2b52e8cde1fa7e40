"""A small Salesforce for tests and the demo: `StandIn` plays it over real sockets, `Org` holds its records.

It imports nothing of the project, and the project reaches it by settings only.
"""

from .demo import make_orgs
from .faults import Fault
from .org import Org
from .server import StandIn

__all__ = ["Fault", "Org", "StandIn", "make_orgs"]
