"""What belongs to the person who asks."""

import time
import zoneinfo
from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone


class PersonalTimeZone:
    """Shows every time in the time zone of the person who is logged in, else in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate the zone for this request."""
        if request.user.is_authenticated:
            try:
                timezone.activate(zoneinfo.ZoneInfo(request.user.time_zone))
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                timezone.deactivate()
        else:
            timezone.deactivate()
        return self.get_response(request)


class StaffSecondFactor:
    """Sends support staff without a second factor from the Django admin to its set-up (REQUIRE_STAFF_MFA)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or redirect before any page of the admin is made; the way out stays open."""
        if request.path.startswith("/admin/") and settings.REQUIRE_STAFF_MFA and self._lacks_factor(request):
            messages.warning(request, "Support staff need a second factor: please set it up first.")
            return redirect("mfa_activate_totp")
        return self.get_response(request)

    def _lacks_factor(self, request: HttpRequest) -> bool:
        user = request.user
        if not user.is_authenticated or not user.is_staff:
            return False
        return not Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.TOTP).exists()


class LastSeen:
    """Keeps when and from where each session was last used, for the list of devices.

    At most every five minutes: allauth's own middleware writes a row at every request, also for a page that only
    asks whether something is new.
    """

    EVERY = 300  # seconds

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note the visit, then answer."""
        if request.user.is_authenticated and request.session.session_key:
            now = int(time.time())
            if now - request.session.get("seen_at", 0) >= self.EVERY:
                request.session["seen_at"] = now
                UserSession.objects.create_from_request(request)
        return self.get_response(request)
