"""Rules broken on purpose, each in copies of the pipes: a soak that does not notice proves nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stack.environment import ROOT

Rules = dict[str, list[Any]]
Mutation = Callable[[str, Rules], None]
"""Changes the rules of a pipe in place; the pipes that it does not concern it leaves alone."""


def no_echo_rule(pipe: str, rules: Rules) -> None:
    """What we wrote ourselves is taken for an edit."""
    if pipe.endswith("-enrich"):
        rules["claim"] = [rule for rule in rules["claim"] if rule[:2] != ["add", "_echo"]]


def no_comparison(pipe: str, rules: Rules) -> None:
    """Writes whatever the record says by now."""
    if pipe.endswith("-transform"):
        rules["update"].append(["add", "$unsafe_skip_optimistic_locking", True])


def no_insert_guard(pipe: str, rules: Rules) -> None:
    """A record made already is made again, under another origin than before."""
    if pipe.endswith("-share"):
        for rule in rules["default"]:
            if rule[:2] == ["add", "_action"]:
                rule[2][3:5] = [False, "skip"]
    if pipe.endswith("-transform") and "insert" in rules:
        place = next(n for n, rule in enumerate(rules["insert"]) if rule[:2] == ["add", "$origin"])
        fresh = ["concat", ["ni-id", "_S.of"], "-", ["string", ["now"]]]
        rules["insert"][place] = ["add", "$origin", ["ni", ["ni-ns", "_S.of"], fresh]]


def entity_clocks(pipe: str, rules: Rules) -> None:
    """A property is as new as its record."""
    if pipe.endswith("-enrich"):
        place = next(n for n, rule in enumerate(rules["claim"]) if rule[:2] == ["add", "t"])
        rules["claim"][place] = ["add", "t", "_P._S.modified"]


def clears_are_lost(pipe: str, rules: Rules) -> None:
    """Empty never wins, not even when somebody emptied the field."""
    if pipe.endswith("-enrich"):
        place = next(n for n, rule in enumerate(rules["claim"]) if rule[:2] == ["add", "t"])
        cases = rules["claim"][place][2]
        cases[3:3] = [["is-null", "_T.v"], ""]


def ambiguity_is_ignored(pipe: str, rules: Rules) -> None:
    """The first of several records with one e-mail address is taken for the person."""
    if pipe == "customerp-contact-enrich":
        match = next(rule for rule in rules["default"] if rule[:2] == ["add", "_match"])
        first = ["ni", "chargebee-customer", ["first", ["path", "id", "_T._unclaimed"]]]
        match[2] = ["if", ["and", "_T._has_no_link", ["is-not-empty", "_T._unclaimed"]], first]


def clocks_are_believed(pipe: str, rules: Rules) -> None:
    """An edit made after another one loses against it when its system's clock is behind."""
    if pipe.endswith("-enrich"):
        place = next(n for n, rule in enumerate(rules["claim"]) if rule[:2] == ["add", "_known"])
        rules["claim"][place] = ["add", "_known", ""]


def no_way_back(pipe: str, rules: Rules) -> None:
    """What is written reads otherwise than what was meant, so that each side answers the other for ever."""
    if pipe == "chargebee-customer-transform":
        place = next(n for n, rule in enumerate(rules["fields"]) if rule[:2] == ["add", "phone"])
        rules["fields"][place] = ["add", "phone", ["concat", "0", "_S.phone"]]


def losers_are_forgotten(pipe: str, rules: Rules) -> None:
    """What a write overwrote is kept nowhere."""
    if pipe.endswith("-share"):
        rules["default"] = [
            ["add", "$was", ["dict"]] if rule[:2] == ["add", "$was"] else rule for rule in rules["default"]
        ]


def renames_are_written_twice(pipe: str, rules: Rules) -> None:
    """A company's new name reaches its persons when its record says it, not when it is decided."""
    if pipe == "customerp-contact-enrich":
        place = next(n for n, rule in enumerate(rules["model"]) if rule[:2] == ["add", "company"])
        rules["model"][place] = ["add", "company", "_P._T._customer.name"]


def events_are_believed(pipe: str, rules: Rules) -> None:
    """The webhook that came last counts, whatever version it tells of and whatever was read."""
    if pipe.endswith("-event"):
        rules["default"] = [rule for rule in rules["default"] if rule[0] != "discard"]
    if pipe.startswith("chargebee-") and pipe.endswith("-collect"):
        event = f"_S.{pipe.removesuffix('-collect')}-event"
        for rule in rules["default"]:
            if rule[0] == "if" and event in json.dumps(rule):
                rule[1] = ["is-not-null", event]


def deletions_are_lost(pipe: str, rules: Rules) -> None:
    """Nothing follows from a deletion."""
    if pipe.endswith("-enrich"):
        rules["on_deletion"] = [["comment", "nothing"]]
    if pipe == "chargebee-customer-transform":
        place = next(
            n for n, rule in enumerate(rules["golden_values"]) if "customer_active" in json.dumps(rule)
        )
        rules["golden_values"][place] = rules["golden_values"][place][:3]


def deletions_beat_edits(pipe: str, rules: Rules) -> None:
    """What somebody edited goes the way of its counterpart that somebody else deleted meanwhile."""
    if pipe.endswith("-transform"):
        place = next(n for n, rule in enumerate(rules["deletion"]) if rule[:2] == ["add", "edited_after"])
        rules["deletion"][place] = ["add", "edited_after", False]


def old_deletions_are_carried_out(pipe: str, rules: Rules) -> None:
    """A new node does not ask whether it ever knew the deleted record alive."""
    if pipe.endswith("-enrich"):
        gone = next(rule for rule in rules["member"] if rule[0] == "if")[2]
        choice = next(rule for rule in gone if rule[0] == "if")
        choice[3] = [["add", "last", ["dict"]], ["add", "claims", "_S.on_deletion"]]


def fillers_travel(pipe: str, rules: Rules) -> None:
    """What was filled in counts as what the target says."""
    if pipe.endswith("-enrich") and "claim" in rules:
        rules["claim"] = [
            ["add", "v", "_T._raw"] if rule[:2] == ["add", "v"] else rule for rule in rules["claim"]
        ]


def fillers_stay_as_they_were(pipe: str, rules: Rules) -> None:
    """What is filled in is not brought up to date with what it is made of."""
    if pipe == "customerp-contact-transform":
        for rule in rules["update"]:
            if rule[0] == "case" and rule[1][1:3] == ["_T._is_demanded", ["not", "_T._is_filled"]]:
                del rule[3:5]


def a_new_node_takes_fillers_for_values(pipe: str, rules: Rules) -> None:
    """What was filled in before the node came counts as said."""
    if pipe.endswith("-enrich") and "claim" in rules:
        for rule in rules["claim"]:
            if rule[:2] == ["add", "_spellings"]:
                told = rule[2][2]
                told[:] = [each for each in told if not (each[0] == "if" and each[2][:2] == ["dict", "v"])]


def values_are_trimmed(pipe: str, rules: Rules) -> None:
    """Outer blanks are no part of a value."""
    if pipe.endswith("-enrich") and "claim" in rules:
        for rule in rules["claim"]:
            if rule[:2] == ["add", "_raw"]:
                rule[2][3] = ["if", ["is-string", "_S.value"], ["strip", "_S.value"], "_S.value"]


def a_deleted_entity_is_nobodys_business(pipe: str, rules: Rules) -> None:
    """Nobody is told of the companies that a deleted business entity leaves."""
    if pipe == "customerp-customer-transform":
        rules["deletion"] = [
            ["add", "alone", False] if rule[:2] == ["add", "alone"] else rule for rule in rules["deletion"]
        ]


def another_currency_is_silence(pipe: str, rules: Rules) -> None:
    """Nothing is said of a price in another currency than its product's."""
    if pipe == "chargebee-item_price-transform":
        made = next(rule for rule in rules["default"] if rule[0] == "if" and '"currency"' in json.dumps(rule))
        made[3] = ["add", "_deleted", True]


def names_overrule_skus(pipe: str, rules: Rules) -> None:
    """A name matches whatever the SKUs say."""
    if pipe == "customerp-product-enrich":
        for rule in rules["default"]:
            if rule[:2] == ["add", "_by_name"] and rule[2][0] == "filter":
                rule[2] = rule[2][2]


def deleted_owners_keep_theirs(pipe: str, rules: Rules) -> None:
    """A record that names a deleted one is not free for the one that is made again."""
    if pipe.endswith("-enrich"):
        for rule in rules["default"]:
            if rule[:2] == ["add", "_unclaimed"] and rule[2][0] == "filter" and rule[2][1][0] == "or":
                rule[2][1] = rule[2][1][1]


def links_with_what_is_deleted_last(pipe: str, rules: Rules) -> None:
    """A record whose counterpart was deleted finds no other."""
    if pipe.endswith("-enrich"):
        for rule in rules["default"]:
            if rule[:2] == ["add", "_gone_there"]:
                rule[2] = ["list"]


def silence_when_brought_back(pipe: str, rules: Rules) -> None:
    """Nobody is told of a record in use whose counterpart is deleted."""
    if pipe.endswith("-transform") and "deletion" in rules:
        rules["deletion"] = [
            ["add", "brought_back", False] if rule[:2] == ["add", "brought_back"] else rule
            for rule in rules["deletion"]
        ]


def nothing_is_final(pipe: str, rules: Rules) -> None:
    """A deletion cancels what is delivered."""
    if pipe.endswith("-transform") and "deletion" in rules:
        rules["deletion"] = [
            ["add", "final", False] if rule[:2] == ["add", "final"] else rule for rule in rules["deletion"]
        ]


def cleared_lines_stay(pipe: str, rules: Rules) -> None:
    """What was emptied in one line counts as never said."""
    if pipe == "global-order":
        rules["lines"] = [rule for rule in rules["lines"] if rule[:2] != ["add", "_cleared"]]


def the_newest_list_of_lines_wins(pipe: str, rules: Rules) -> None:
    """An edit of one line overrules that of another."""
    if pipe == "global-order":
        rules["lines"] = [["merge", "_S.value"]]


def lines_count_by_their_order(pipe: str, rules: Rules) -> None:
    """What is next to a line that was taken out takes its place."""
    if pipe.endswith("-enrich") and "places" in rules:
        rules["places"] = [["add", "lines", "_S.lines"]]


def keys_are_compared_to_the_letter(pipe: str, rules: Rules) -> None:
    """Case, blanks and composition make another key."""
    if pipe.endswith("-collect"):
        for rule in rules["default"]:
            if rule[:2] == ["add", "$keys"]:
                for place in range(2, len(rule[2]), 2):
                    rule[2][place] = rule[2][place][2][2][2][2][2][2][1]


def spelling_is_never_an_edit(pipe: str, rules: Rules) -> None:
    """Another case of an address does not travel, even if somebody typed it."""
    if pipe.endswith("-enrich"):
        rules["claim"] = [rule for rule in rules["claim"] if '"edited", true' not in json.dumps(rule)[-40:]]


def a_new_node_believes_its_eyes(pipe: str, rules: Rules) -> None:
    """What was in sync before a node came counts as edited when its record was."""
    if pipe.endswith("-enrich"):
        rules["default"] = [
            ["add", "_settled", False] if rule[:2] == ["add", "_settled"] else rule
            for rule in rules["default"]
        ]


def what_a_person_decides_is_ignored(pipe: str, rules: Rules) -> None:
    """Decisions about who is who are read, and nothing follows from them."""
    if pipe.endswith("-enrich"):
        for rule in rules["default"]:
            if rule[:2] == ["add", "_decisions"]:
                rule[2] = ["list"]


def categories_are_cut_short(pipe: str, rules: Rules) -> None:
    """Categories that are equal once they are cut share a family."""
    if pipe == "customerp-product-enrich":
        category = next(rule for rule in rules["model"] if rule[:2] == ["add", "category"])
        category[2] = category[2][1][1]


EXPECTATIONS: dict[Mutation, str] = {
    fillers_travel: "a_date_that_chargebee_demands_never_travels",
    fillers_stay_as_they_were: "a_last_name_follows_the_company_that_it_is_made_of",
    a_new_node_takes_fillers_for_values: "a filler, and a node that lost everything",
    values_are_trimmed: "values_travel_with_their_blanks_and_line_breaks",
    a_deleted_entity_is_nobodys_business: "a_deleted_business_entity_is_reported_with_the_customer_that_it_leaves",
    another_currency_is_silence: "a_currency_that_is_changed_is_reported",
    names_overrule_skus: "two_skus_are_two_products_whatever_their_names",
    deleted_owners_keep_theirs: "made again in the ERP",
    links_with_what_is_deleted_last: "made again in Chargebee",
    silence_when_brought_back: "brought back",
    nothing_is_final: "delivered_stays_when_it_is_deleted_in_erp",
    cleared_lines_stay: "the_sku_of_a_line_can_be_cleared",
    the_newest_list_of_lines_wins: "lines_edited_on_both_sides_count_each_by_itself",
    lines_count_by_their_order: "lines_of_orders_that_come_and_go",
    keys_are_compared_to_the_letter: "keys_are_compared_without_regard_to_spelling",
    spelling_is_never_an_edit: "the_case_of_an_address_travels_if_somebody_edits_it",
    a_new_node_believes_its_eyes: "a node that lost everything",
    ambiguity_is_ignored: "a table before the first write",
    what_a_person_decides_is_ignored: "a_table_of_links_that_a_person_gives_back_counts",
    categories_are_cut_short: "three_categories_stay_three",
}
"""What people expect, and how it is broken: each is noticed by the scenario that it names."""


BY_RULE: dict[str, tuple[Mutation, ...]] = {
    "an edit reaches the other side with exactly one write": (
        clears_are_lost, deletions_are_lost, renames_are_written_twice,
    ),
    "nothing bounces": (no_echo_rule, no_way_back),
    "edits of different properties both survive": (entity_clocks, deletions_beat_edits),
    "the later edit of a property wins, and the loser is on record": (clocks_are_believed, losers_are_forgotten),
    "crashes, retries and duplicates change nothing": (
        no_insert_guard, no_comparison, events_are_believed, old_deletions_are_carried_out,
    ),
    "nobody guesses": (ambiguity_is_ignored,),
}  # fmt: skip
"""At least one for each rule of a sound sync."""

MUTATIONS = {mutation.__name__: mutation for mutations in BY_RULE.values() for mutation in mutations}


def _go_the_whole_way(rules: Rules) -> None:
    """Take the short cut of unchanged values out of the rule `claim`: it would pass by what is broken."""
    claim = rules.get("claim", [])
    for place, rule in enumerate(claim):
        if rule[0] == "if" and len(rule) == 4 and '["add", "_open"' in json.dumps(rule[3]):
            claim[place : place + 1] = rule[3]


def mutated(mutation: Mutation, folder: Path) -> Path:
    """A copy of the configuration in `folder` with the mutation in every pipe that it concerns."""
    for name in ("pipes", "systems"):
        shutil.copytree(ROOT / name, folder / name)
    for path in [*ROOT.glob("*.conf.json"), ROOT / "prod-env.json"]:
        shutil.copy(path, folder / path.name)
    changed = 0
    for path in sorted((folder / "pipes").glob("*.conf.json")):
        pipe = json.loads(path.read_text(encoding="utf-8"))
        written = [each["rules"] for each in pipe.get("transform", []) if each["type"] == "dtl"]
        for rules in written:
            _go_the_whole_way(rules)
        before = json.dumps(pipe)
        for rules in written:
            mutation(pipe["_id"], rules)
        changed += json.dumps(pipe) != before
        path.write_text(json.dumps(pipe), encoding="utf-8")
    if not changed:
        raise AssertionError(f"{mutation.__name__} changes no pipe")
    return folder
