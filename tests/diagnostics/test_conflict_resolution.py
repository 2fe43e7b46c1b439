"""Which rule chose a value, said of claims alone."""

from __future__ import annotations

from typing import Any

import pytest

from core.names import Kind, parse_ni, parse_pipe
from localnode.diagnostics.conflict_resolution import RULES, Claim, choose

ERP, SHOP = Kind("erp", "contact").record("1"), Kind("shop", "customer").record("9")
EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"


def rule(winner: Claim, *others: Claim) -> str:
    return choose(winner, [winner, *others], lambda claim: False).rule


@pytest.mark.parametrize(
    ("winner", "loser", "expected"),
    [
        (("a", LATE), None, "only-value"),
        (("a", LATE), ("a", EARLY), "agreed"),
        (("a", LATE), ("b", EARLY), "newest-clock"),
        ((None, LATE), ("b", EARLY), "cleared"),
        ((None, ""), (None, ""), "unset"),
        (("a", EARLY), (None, EARLY), "value-beats-empty"),
        (("a", LATE), (None, EARLY), "newest-clock"),
        (("a", EARLY), (None, ""), "old-beats-empty"),
        (("a", EARLY), ("b", EARLY), "tie-break"),
        (("a", EARLY), ("b", ""), "one-way"),
    ],
)
def test_the_rule(winner: tuple[Any, str], loser: tuple[Any, str] | None, expected: str) -> None:
    others = [Claim(SHOP, *loser)] if loser else []
    found = rule(Claim(ERP, *winner), *others)
    assert found == expected
    assert found in RULES


def test_an_echo_is_no_origin() -> None:
    echo, said = Claim(SHOP, "a", LATE), Claim(ERP, "a", LATE)
    found = choose(echo, [echo, said], lambda claim: claim.of == SHOP)
    assert (found.winner, found.origin) == (echo, said)


def test_losers_say_why() -> None:
    winner = Claim(ERP, "a", LATE)
    losers = [Claim(SHOP, "b", EARLY), Claim(SHOP, "c", ""), Claim(SHOP, None, ""), Claim(SHOP, None, EARLY)]
    found = choose(winner, [winner, *losers], lambda claim: False)
    assert [why for _, why in found.losers] == [
        "changed earlier",
        "only mirrored here",
        "never set",
        "emptied earlier",
    ]


def test_true_is_not_one() -> None:
    assert rule(Claim(ERP, True, LATE), Claim(SHOP, 1, EARLY)) == "newest-clock"


def test_names() -> None:
    assert parse_pipe("shop-item_price-share") == (Kind("shop", "item_price"), "share")
    assert parse_pipe("global-person") is None
    assert parse_ni("~:shop-customer:a:b") == Kind("shop", "customer").record("a:b")
    assert parse_ni("shop-customer:9") is None
    assert SHOP.ni == "~:shop-customer:9" and str(SHOP) == "shop-customer:9"
