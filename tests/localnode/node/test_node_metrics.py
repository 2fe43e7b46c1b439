"""`/metrics` of the node: what waits, what failed, how much there is."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from localnode.api.metrics import METRICS
from tests.support.plain import PLAIN

PIPES = [
    {"_id": "in", "type": "pipe", "source": {"type": "http_endpoint"}},
    {"_id": "out", "type": "pipe", "source": {"type": "dataset", "dataset": "in"}},
    {
        "_id": "picky",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "in"},
        "transform": {"type": "dtl", "rules": {"default": [["if", ["eq", "_S._id", "bad"], ["fail!", "no"]], ["copy", "*"]]}},
        "pump": {"use_dead_letter_dataset": True, "max_retries_per_entity": 0},
    },
    PLAIN,
]  # fmt: skip


def samples(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_what_waits_and_what_there_is(client):
    uploaded = client.put("/api/config", json=PIPES)
    assert uploaded.status_code == 200, uploaded.get_json()
    client.post("/api/receivers/in/entities", json=[{"_id": "1"}, {"_id": "2"}, {"_id": "bad"}])
    before = samples(client)
    assert before["sesam_pipe_queue", "source", "out"] == 3
    assert ("sesam_pipe_last_run_success", "out") not in before
    client.post(
        "/api/pipes/run-all-pipes",
        query_string={"request_mode": "sync", "reset_pipes_and_delete_sink_datasets": "false"},
    )
    after = samples(client)
    assert after["sesam_pipe_queue", "source", "out"] == 0
    assert after["sesam_pipe_lag_seconds", "out"] == 0
    assert after["sesam_pipe_last_run_success", "out"] == 1
    assert after["sesam_dataset_entities", "out", "live"] == 3
    assert after["sesam_pipe_last_run_success", "picky"] == 0


def test_every_metric_is_in_the_table_and_tokens_count(client):
    client.put("/api/config", json=PIPES)
    text = client.get("/metrics").get_data(as_text=True)
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP sesam_")}
    assert named == {name for name, _, _ in METRICS}
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "10.0.0.1"}).status_code == 401
