"""What may go wrong when people are changed."""


class MembersError(Exception):
    """A change of people that cannot be made; `user_message` says why and what to do, in a sentence or two."""

    def __init__(self, user_message: str) -> None:
        super().__init__(user_message)
        self.user_message = user_message


class InvitationError(MembersError):
    """An invitation that cannot be accepted.

    `cause` is unknown, used, withdrawn, expired, other_address or unverified. Only `user_message` names an address,
    to somebody who holds a valid link; the exception's own text, which may be logged, is the cause.
    """

    def __init__(self, cause: str, user_message: str) -> None:
        super().__init__(user_message)
        self.args = (cause,)
        self.cause = cause
