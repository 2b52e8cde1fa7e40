"""What can go wrong with the embedded server, for a person to read."""


class PostgresUnavailable(RuntimeError):
    """The embedded server cannot be had; the text is one sentence for the person at the terminal."""
