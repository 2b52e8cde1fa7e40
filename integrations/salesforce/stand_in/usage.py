"""How many API calls the org has seen: what Sforce-Limit-Info says, and what tests count."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

HOURS = 24


class Usage:
    """API calls of the last 24 hours against the org's allowance, and all calls by kind since the start."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.maximum = 100_000
        self.by_hour: Counter[int] = Counter()
        self.calls: Counter[str] = Counter()
        self.calls_by_user: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """Calls of the last 24 hours."""
        oldest = self._hour() - HOURS
        return sum(number for hour, number in self.by_hour.items() if hour > oldest)

    @property
    def is_exhausted(self) -> bool:
        """Whether the next call is refused."""
        return self.used >= self.maximum

    def count(self, kind: str, user_id: str, number: int = 1) -> None:
        """Count calls of a kind such as "query" or "composite/sobjects"."""
        self.use(number)
        self.calls[kind] += number
        self.calls_by_user[user_id] += number

    def use(self, number: int) -> None:
        """Use up calls without saying for what: those of other apps."""
        hour = self._hour()
        if hour not in self.by_hour:
            for old in [each for each in self.by_hour if each <= hour - HOURS]:
                del self.by_hour[old]
        self.by_hour[hour] += number

    def _hour(self) -> int:
        return int(self.now().timestamp() // 3600)

    def as_header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used}/{self.maximum}"
