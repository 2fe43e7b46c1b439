"""One odd record never stops others: each entity that cannot be read has a verdict of its own, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from localnode import codec
from localnode.pipes import FAILED, SUCCESS, Engine, InvalidPush, PartlyRefused, Pipe, Systems
from localnode.store import Store

Build = Callable[..., Pipe]
Live = Callable[[str], dict[str, dict[str, Any]]]
RECEIVER = {"type": "http_endpoint"}
SOURCE = {"type": "json", "system": "s", "url": "/things"}
LETTERS = "system:dead-letter:a"
PUMP = {
    "max_consecutive_write_errors": 100,
    "max_write_errors_in_retry_dataset": 100,
    "max_retries_per_entity": 0,
    "use_dead_letter_dataset": True,
    "track_dead_letters": True,
}
DEEP = b'{"a":' * 1000 + b"1" + b"}" * 1000

ODD = {
    "NaN": (b'{"_id": "odd", "x": NaN}', "odd"),
    "infinity": (b'{"_id": "odd", "x": [-Infinity]}', "odd"),
    "too large a number": (b'{"_id": "odd", "x": 1e999}', "odd"),
    "endless digits": (b'{"_id": "odd", "x": ' + b"9" * 5000 + b"}", "odd"),
    "1,000 levels": (b'{"_id": "odd", "x": ' + DEEP + b"}", "odd"),
    "300 levels": (b'{"_id": "odd", "x": ' + b"[" * 300 + b"]" * 300 + b"}", "odd"),
    "no UTF-8": (b'{"_id": "odd", "x": "\xff"}', "odd"),
    "a comma too many": (b'{"_id": "odd", "x": [1,]}', None),
    "an id of no characters": (b'{"_id": ""}', None),
    "an id that is a number": (b'{"_id": 7}', None),
    "an id that is null": (b'{"_id": null}', None),
    "an id that is no UTF-8": (b'{"_id": "\xff"}', None),
    "an id and NaN": (b'{"x": NaN, "_id": ""}', None),
}
"""Elements of a body as they come in, and the `_id` that is told of them, if they have one."""
REFUSED_HERE = {
    "half a surrogate pair": (b'{"_id": "odd", "x": "\\ud800"}', "odd"),
    "half a surrogate pair as the id": (b'{"_id": "\\ud800"}', None),
    "no object": (b"7", None),
    "NaN alone": (b"NaN", None),
}
"""What a receiver refuses besides; a source keeps such a text as it is, and takes no answer for such a list."""
KEPT = {
    "an identifier": (b'{"_id": "~:a:b"}', "~:a:b"),
    "colons": (b'{"_id": "a:b:c"}', "a:b:c"),
    "slashes": (b'{"_id": "a/../b?c#d"}', "a/../b?c#d"),
    "a million characters": (b'{"_id": "' + b"x" * 1_000_000 + b'"}', "x" * 1_000_000),
    "20 digits": (b'{"_id": "odd", "x": 12345678901234567890}', "odd"),
    "a whole pair": (b'{"_id": "odd", "x": "\\ud83d\\ude00"}', "odd"),
    "200 levels": (b'{"_id": "odd", "x": ' + b"[" * 190 + b"]" * 190 + b"}", "odd"),
    "a number beyond a double": (b'{"_id": "odd", "x": 1e999}', "odd"),
    "a control character": (b'{"_id": "odd", "x": "\\u0000"}', "odd"),
}


def letters(store: Store) -> list[dict[str, Any]]:
    found = store.find(LETTERS)
    return list(found.read(deleted=False)) if found else []


@pytest.mark.parametrize("name", [*(name for name in ODD if name != "too large a number"), *REFUSED_HERE])
def test_a_receiver_stores_the_others_and_names_the_odd_one(
    name: str, pipe: Build, store: Store, live: Live
) -> None:
    text, entity_id = {**ODD, **REFUSED_HERE}[name]
    a = pipe("a", RECEIVER, pump={"use_dead_letter_dataset": True})
    with pytest.raises(PartlyRefused) as caught:
        a.receive(b'[{"_id": "1", "y": 1.5}, ' + text + b', {"_id": "2"}]')
    assert live("a") == {"1": {"y": "~f1.5"}, "2": {}}
    (refused,) = caught.value.refused
    assert refused.index == 1 and refused.reason
    assert refused.entity_id == entity_id or (entity_id is None and refused.entity_id)
    (letter,) = letters(store)
    assert letter["_id"] == refused.entity_id and letter["$dead"]["error"] == refused.reason
    a.receive(b'[{"_id": "3"}]')
    assert set(live("a")) == {"1", "2", "3"}


@pytest.mark.parametrize("name", KEPT)
def test_a_receiver_keeps_what_is_json(name: str, pipe: Build, live: Live) -> None:
    text, entity_id = KEPT[name]
    pipe("a", RECEIVER).receive(b'[{"_id": "1"}, ' + text + b"]")
    assert set(live("a")) == {"1", entity_id}


def test_of_a_full_sequence_nothing_is_stored_and_nothing_deleted(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    a.receive(b'[{"_id": "odd", "x": 1}]')
    full = {"sequence_id": "s", "is_full": "true", "is_first": "true", "is_last": "true", "request_id": "r"}
    with pytest.raises(InvalidPush, match="nothing was stored"):
        a.receive(b'[{"_id": "1"}, {"_id": "odd", "x": NaN}]', full)
    assert live("a") == {"odd": {"x": 1}}
    a.receive(b'[{"_id": "1"}]', full)
    assert live("a") == {"1": {}}


@pytest.mark.parametrize("body", [b'[{"_id": "1"}, {"_id": NaN]', b'[{"_id": "1"}, {"x": NaN', b"NaN", b"]"])
def test_what_is_no_list_is_refused_whole(body: bytes, pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    with pytest.raises(InvalidPush) as caught:
        a.receive(body)
    assert type(caught.value) is InvalidPush and live("a") == {}


class _Service(Systems):
    """A system that answers with one body, in pieces of `size` bytes."""

    def __init__(self, body: bytes = b"[]", size: int = 7) -> None:
        super().__init__({})
        self.body, self.size = body, size

    @contextmanager
    def stream(self, *call: Any, **options: Any) -> Iterator[tuple[dict[str, str], Iterator[bytes]]]:
        """See Systems."""
        yield {}, (self.body[at : at + self.size] for at in range(0, len(self.body), self.size))


@pytest.fixture
def service() -> _Service:
    return _Service()


@pytest.fixture
def engine(store: Store, service: _Service) -> Engine:
    return Engine(store, service)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_source_reads_the_others_and_lays_the_odd_one_aside(
    name: str, size: int, pipe: Build, service: _Service, store: Store, live: Live
) -> None:
    text, entity_id = ODD[name]
    a = pipe("a", SOURCE, pump=PUMP)
    service.size = size
    service.body = b'[{"_id": "1"}, {"_id": "gone"}]'
    assert a.run().status == SUCCESS
    service.body = b'[{"_id": "1", "y": "\xc3\xa6"}, ' + text + b', {"_id": "2"}]'
    result = a.run()
    assert (result.status, result.counts.failed) == (SUCCESS, 1), result.reason
    assert set(live("a")) == {"1", "2", "gone"}, "nothing is deleted on half an answer"
    assert live("a")["1"] == {"y": "æ"}
    (letter,) = letters(store)
    assert letter["_id"] == entity_id or (entity_id is None and letter["_id"])
    assert "/things" in letter["$dead"]["error"]
    a.run()
    assert len(letters(store)) == 1
    if entity_id:
        service.body = b'[{"_id": "1"}, {"_id": "odd", "x": 1}, {"_id": "2"}]'
        a.run()
        assert live("a")["odd"] == {"x": 1} and set(live("a")) == {"1", "2", "odd"} and not letters(store)


def test_what_waits_for_another_try_fails_again_until_it_can_be_read(
    pipe: Build, service: _Service, live: Live
) -> None:
    a = pipe("a", SOURCE, pump={**PUMP, "max_retries_per_entity": 5})
    service.body = b'[{"_id": "odd", "x": NaN}, {"_id": "1"}]'
    for _ in range(3):
        assert a.run().status == SUCCESS
        assert set(live("a")) == {"1"}
    service.body = b'[{"_id": "odd", "x": 1}, {"_id": "1"}]'
    a.run()
    assert set(live("a")) == {"1", "odd"}


def test_without_settings_for_it_the_run_fails_with_the_place(
    pipe: Build, service: _Service, live: Live
) -> None:
    service.body = b'[{"_id": "1"}, {"_id": "odd", "x": NaN}]'
    result = pipe("a", SOURCE).run()
    assert result.status == FAILED and "/things" in result.reason and "NaN" in result.reason
    assert set(live("a")) == {"1"}


def test_the_token_goes_on_past_an_odd_one(pipe: Build, service: _Service, store: Store, live: Live) -> None:
    source = {**SOURCE, "supports_since": True, "is_chronological": True}
    a = pipe("a", source, pump=PUMP)
    service.body = b'[{"_id": "1", "_updated": 1}, {"_id": "odd", "_updated": 2, "x": NaN}]'
    assert a.run().status == SUCCESS
    service.body = b'[{"_id": "2", "_updated": 3}, {"_id": "odd", "x": NaN}, {"_id": "3", "_updated": 4}]'
    assert a.run().status == SUCCESS
    assert set(live("a")) == {"1", "2", "3"} and [each["_id"] for each in letters(store)] == ["odd"]


@pytest.mark.parametrize(
    "text", [b'[{"a": NaN]', b'[{"a": NaN}', b'[{"a": NaN} {"b": 1}]', b'[{"a": "NaN', b"[1,]", b"[}]"]
)
def test_an_array_whose_own_brackets_are_wrong_is_malformed(text: bytes) -> None:
    with pytest.raises(codec.MalformedJson):
        list(codec.iter_array([text], unread=lambda text, reason: text))
