"""Token buckets: tc keeps below AWS's call rates instead of being throttled."""

from __future__ import annotations

import threading
import time

from tc.aws.operations import Rate, rates


class Bucket:
    """Lets `rate.burst` callers through at once, then `rate.per_second` each second."""

    def __init__(self, rate: Rate):
        self._interval = 1 / rate.per_second
        self._ahead = self._interval * (rate.burst - 1)
        self._lock = threading.Lock()
        self._next = 0.0

    def reserve(self, now: float) -> float:
        """Take one call; the seconds the caller has to wait before making it."""
        with self._lock:
            slot = max(self._next, now - self._ahead)
            self._next = slot + self._interval
            return max(0.0, slot - now)


class Limiter:
    """The buckets of one account and region."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def wait(self, service: str, operation: str) -> None:
        """Return when the call may be made."""
        for rate in rates(service, operation):
            with self._lock:
                bucket = self._buckets.setdefault(rate.name, Bucket(rate))
            delay = bucket.reserve(time.monotonic())
            if delay:
                time.sleep(delay)
