"""Faults of a whole request, told as problem documents (RFC 9457)."""

import json

from django.http import HttpResponse


class Problem(Exception):
    """Ends a request: nothing was stored. `detail` is a sentence for the person who wrote the client."""

    def __init__(self, status: int, title: str, detail: str, **headers: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers

    def response(self) -> HttpResponse:
        """The document, with the headers that belong to it."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        answer = HttpResponse(json.dumps(body), status=self.status, content_type="application/problem+json")
        for name, value in self.headers.items():
            answer[name.replace("_", "-")] = value
        return answer
