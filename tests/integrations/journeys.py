"""What a person does in the browser to connect to Salesforce; the other end is the stand-in."""

import html
import re
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.stand_in_fixtures import TestedStandIn

SYNC, ADA, BEN = "sync@touchline.example", "ada@touchline.example", "ben@touchline.example"


class Journey:
    """One person's browser, and Salesforce."""

    def __init__(self, client: Client, stand_in: TestedStandIn, slug: str) -> None:
        self.client, self.stand_in, self.slug = client, stand_in, slug

    def url(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.slug, *args])

    def post(self, name: str, *args: object, **data: str) -> HttpResponse:
        return self.client.post(self.url(name, *args), data)

    def page(self, name: str, *args: object) -> str:
        answer = self.client.get(self.url(name, *args))
        assert answer.status_code == 200
        return answer.content.decode()

    def leave(self, name: str = "salesforce_begin", **data: str) -> str:
        """Press the button and return the address behind the link to Salesforce."""
        waiting = self.client.post(self.url(name), data)
        assert waiting.status_code == 302, waiting.content.decode()
        page = self.client.get(waiting.url).content.decode()
        link = re.search(r'id="to-salesforce" href="([^"]+)"', page)
        assert link, page
        return html.unescape(link[1])

    def sign_in(self, authorize_url: str, as_user: str, allow: bool = True) -> str:
        """Log in at Salesforce; return path and query of the callback that the browser is sent to."""
        callback = urlsplit(self.stand_in.log_in(authorize_url, as_user, allow))
        return f"{callback.path}?{callback.query}"

    def come_back(self, callback: str) -> HttpResponse:
        return self.client.get(callback)

    def confirm(self, answer: HttpResponse) -> HttpResponse:
        """Say yes on the page where the callback led."""
        assert answer.status_code == 302
        assert answer.url.endswith("/confirm/"), answer.url
        return self.client.post(answer.url)

    def arrive(self, as_user: str, name: str = "salesforce_begin", **data: str) -> HttpResponse:
        return self.come_back(self.sign_in(self.leave(name, **data), as_user))

    def connect(self, as_user: str, name: str = "salesforce_begin", **data: str) -> HttpResponse:
        """The whole way."""
        return self.confirm(self.arrive(as_user, name, **data))

    def connect_sync_user(self, as_user: str = SYNC, issuer: str = "production") -> HttpResponse:
        return self.connect(as_user, "sync_user_begin", issuer=issuer)
