"""People as such, before they belong anywhere."""

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from workspaces.errors import MembersError
from workspaces.models import User


@transaction.atomic
def find_or_create_verified(email: str, password: str | None = None, name: str = "") -> User:
    """Return the person of an address, made where there is none, with the address verified by the operator's word.

    password: set where given, also for somebody who exists. Without one a new person, and somebody whose address was
    not verified so far, has none and sets one by "Forgot your password?".
    name: of a new person; by default made of the address.
    Raises MembersError for what is no address.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise MembersError("This is not a complete e-mail address.") from error
    owner = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    user = owner.user if owner else User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name or name_of(email))
    elif password or owner is None:
        # Whoever signed up with an address and never verified it need not be its owner: that password ends.
        user.set_password(password)
        user.save(update_fields=["password"])
    if owner is None:
        EmailAddress.objects.update_or_create(
            user=user, email=email, defaults={"verified": True, "primary": user.email == email}
        )
    return user


def verified_addresses(user: User) -> set[str]:
    """Return the person's verified addresses in lower case."""
    return set(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


def name_of(email: str) -> str:
    """Return a name made of an address: `ada.lovelace@…` is Ada Lovelace."""
    words = email.partition("@")[0].partition("+")[0].replace("_", ".").replace("-", ".").split(".")
    return " ".join(word.capitalize() for word in words if word)
