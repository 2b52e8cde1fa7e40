"""A program that reports activities over the API and asks again, with the same ids, until it is told `accepted`."""

import http.client
import json
import threading
import time

from tests.faults import salesforce as sf
from tests.faults.world import Slot, World

ANSWERED = 202
GIVES_UP_AFTER = 50.0


class Reporter:
    """Reports in threads of its own, `times` times at once. With `lose_first` it hangs up before the first answer."""

    def __init__(self, world: World, slot: Slot, tags: list[str], times: int, *, lose_first: bool) -> None:
        self.world, self.slot = world, slot
        self.tags = [tag for tag in tags if not tag.endswith("e")]
        self.accepted: list[str] = []
        self.lose_first = lose_first
        self.threads = [threading.Thread(target=self._report, daemon=True) for _ in range(times)]
        for thread in self.threads:
            thread.start()

    def join(self, limit: float) -> None:
        """Wait until it was told, or gave up."""
        for thread in self.threads:
            thread.join(limit)

    def is_stored(self) -> bool:
        """Whether the activities are there for good."""
        from activity.models import SyncJob

        return SyncJob.objects.filter(owner=self.slot.membership.pk, subject__in=self.tags).count() == len(self.tags)

    def _report(self) -> None:
        deadline = time.monotonic() + GIVES_UP_AFTER
        while time.monotonic() < deadline:
            try:
                results = self._post()
            except (OSError, http.client.HTTPException, ValueError):
                results = None
            if results is not None:
                told = [each["id"] for each in results if each["status"] in ("accepted", "duplicate")]
                self.accepted = sorted({*self.accepted, *told})
                return
            time.sleep(0.3)

    def _post(self) -> list[dict[str, str]] | None:
        line = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=10)
        try:
            headers = {
                "Authorization": f"Bearer {self.slot.key}",
                "Content-Type": "application/json",
                "Host": "127.0.0.1",
            }
            line.request("POST", "/api/v1/activities", json.dumps({"activities": self._items()}), headers)
            if self.lose_first:
                self.lose_first = False
                self._wait_until_stored()
                return None
            answer = line.getresponse()
            body = json.loads(answer.read())
            return body["results"] if answer.status == ANSWERED else None
        finally:
            line.close()

    def _wait_until_stored(self) -> None:
        time.sleep(2)

    def _items(self) -> list[dict[str, object]]:
        return [
            {
                "id": tag,
                "user": self.slot.address,
                "type": "sent",
                "occurred_at": "2026-11-20T12:00:00Z",
                "message": {
                    "message_id": f"<{tag}>",
                    "subject": tag,
                    "from": {"email": self.slot.address},
                    "to": [{"email": sf.contact(self.slot.number)}],
                    "text": "Dear Nora",
                },
            }
            for tag in self.tags
        ]
