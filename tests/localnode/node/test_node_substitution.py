"""Environment variables, conditional parts and secrets of a config."""

import pytest

from localnode.config.effective import fill_pipe_defaults
from localnode.config.substitution import Substitution, fill_secrets, secret_names

ENV = {"e": "test", "host": "h", "port": 80, "flag": True, "none": None}


def effective(entity, env=ENV):
    substitution = Substitution(env)
    return substitution.component(entity), [(p.elements, p.msg) for p in substitution.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$ENV(port)", 80),
        ("$ENV(flag)", True),
        ("$ENV(none)", None),
        ("http://$ENV(host):$ENV(port)/x", "http://h:80/x"),
        ("is $ENV(flag)", "is true"),
        ("$ENV", "$ENV"),
    ],
)
def test_whole_reference_keeps_the_type_and_embedded_ones_give_text(text, value):
    config, problems = effective({"_id": "a", "type": "system:url", "url_pattern": text})
    assert config["url_pattern"] == value and type(config["url_pattern"]) is type(value)
    assert problems == []


def test_missing_variable_names_the_place():
    _, problems = effective({"_id": "a", "source": {"type": "json", "url": "x$ENV(nope)y"}})
    assert problems == [("$['source']['url']", 'the environment variable "nope" is not defined')]


def test_conditional_source_is_resolved_and_dead_alternatives_are_not_looked_at():
    source = {
        "type": "conditional",
        "condition": "$ENV(e)",
        "alternatives": {
            "prod": {"type": "json", "url": "$ENV(nope)"},
            "test": {"type": "embedded", "entities": []},
        },
    }
    config, problems = effective({"_id": "a", "source": source})
    assert config["source"] == {"type": "embedded", "entities": []}
    assert problems == []


def test_condition_without_alternative_is_an_error_that_lists_them():
    source = {"type": "conditional", "condition": "stage", "alternatives": {"prod": {}, "test": {}}}
    _, problems = effective({"_id": "a", "source": source})
    place, msg = problems[0]
    assert place == "$['source']['condition']"
    assert '"stage"' in msg and '"prod", "test"' in msg


def test_condition_with_missing_variable_is_reported_once():
    source = {"type": "conditional", "condition": "$ENV(nope)", "alternatives": {"prod": {}}}
    _, problems = effective({"_id": "a", "source": source})
    assert len(problems) == 1 and "nope" in problems[0][1]


def test_conditional_properties_replace_keys_of_their_level_but_never_id_and_type():
    block = {
        "condition": "$ENV(flag)",
        "alternatives": {"true": {"_id": "b", "type": "x", "batch_size": 7}, "false": {}},
    }
    entity = {"_id": "a", "type": "pipe", "batch_size": 1, "$conditional_properties": block}
    config, problems = effective(entity)
    assert config == {"_id": "a", "type": "pipe", "batch_size": 7}
    assert problems == []


def test_conditional_properties_work_below_the_root():
    pump = {
        "mode": "manual",
        "$conditional_properties": {"condition": "test", "alternatives": {"test": {"mode": "off"}}},
    }
    config, _ = effective({"_id": "a", "pump": pump})
    assert config["pump"] == {"mode": "off"}


def test_the_original_is_left_as_it_is():
    entity = {"_id": "a", "source": {"type": "json", "url": "$ENV(host)"}}
    effective(entity)
    assert entity == {"_id": "a", "source": {"type": "json", "url": "$ENV(host)"}}


def test_secrets_are_named_and_filled():
    config = {"password": "$SECRET(p)", "headers": {"X": "Bearer $SECRET(t)"}, "list": ["$SECRET(p)"]}
    assert secret_names(config) == {"p", "t"}
    filled = fill_secrets(config, {"p": "1", "t": "2"}.__getitem__)
    assert filled == {"password": "1", "headers": {"X": "Bearer 2"}, "list": ["1"]}
    with pytest.raises(KeyError):
        fill_secrets(config, {}.__getitem__)


@pytest.mark.parametrize(
    ("source", "sink", "interval"),
    [
        ({"type": "dataset", "dataset": "x"}, None, 30),
        ({"type": "merge", "datasets": []}, None, 30),
        ({"type": "embedded", "entities": []}, None, 900),
        ({"type": "dataset", "dataset": "x"}, {"type": "json", "system": "s", "url": "u"}, 900),
    ],
)
def test_defaults_of_sink_and_pump(source, sink, interval):
    pipe = {"_id": "p", "type": "pipe", "source": source, **({"sink": sink} if sink else {})}
    filled = fill_pipe_defaults(pipe, {})
    assert filled["pump"] == {"mode": "scheduled", "schedule_interval": interval}
    assert filled["sink"] == (sink or {"type": "dataset", "dataset": "p"})
    assert filled["batch_size"] == 100


def test_cron_and_explicit_settings_are_kept():
    pipe = {
        "_id": "p",
        "source": {"type": "empty"},
        "sink": {"dataset": "q"},
        "pump": {"cron_expression": "0 1 * * ?"},
    }
    filled = fill_pipe_defaults(pipe, {"namespaced_identifiers": True})
    assert filled["pump"] == {"mode": "scheduled", "cron_expression": "0 1 * * ?"}
    assert filled["sink"] == {"type": "dataset", "dataset": "q"}
    assert filled["namespaced_identifiers"] is True
