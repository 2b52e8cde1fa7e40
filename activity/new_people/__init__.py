"""Creating a Contact or Lead for an unresolved address, as the member who asks for it, once and never twice."""
