"""A token is fetched when it is needed, and not more often."""

from __future__ import annotations

import threading
import time

from core.tokens import TokenCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fetch:
    def __init__(self, lifetime: float | None) -> None:
        self.lifetime, self.calls = lifetime, 0

    def __call__(self) -> tuple[str, float | None]:
        self.calls += 1
        return f"token-{self.calls}", self.lifetime


def test_it_is_kept_until_shortly_before_its_end() -> None:
    clock, fetch = Clock(), Fetch(100)
    cache = TokenCache(fetch, 30, clock)
    assert (cache.get(), cache.get()) == ("token-1", "token-1")
    clock.now += 69.9
    assert cache.get() == "token-1"
    clock.now += 0.2
    assert cache.get() == "token-2"


def test_one_that_does_not_end_is_kept_until_it_is_refused() -> None:
    clock, fetch = Clock(), Fetch(None)
    cache = TokenCache(fetch, 30, clock)
    cache.get()
    clock.now += 10**9
    assert cache.get() == "token-1"
    cache.forget()
    assert cache.get() == "token-2"


def test_a_life_shorter_than_the_window_is_not_one_call_each() -> None:
    clock, fetch = Clock(), Fetch(5)
    cache = TokenCache(fetch, 30, clock)
    cache.get()
    clock.now += 0.9
    assert cache.get() == "token-1"
    clock.now += 0.2
    assert cache.get() == "token-2"


def test_of_many_callers_one_fetches() -> None:
    fetch = Fetch(100)

    def slow() -> tuple[str, float | None]:
        time.sleep(0.02)
        return fetch()

    cache = TokenCache(slow)
    threads = [threading.Thread(target=cache.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetch.calls == 1
