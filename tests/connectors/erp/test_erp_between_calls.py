"""What a person edits in the ERP while a record is written is no spelling of the ERP's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.common.datatype import Record
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream

STAMP = "2026-01-01T00:00:00.000000Z"
TYPED = {"first_name": "Typed"}


class Erp:
    """One contact, key 7; a person renames it as soon as it has been updated, if `is_edited`."""

    def __init__(self) -> None:
        self.record: Record = {"id": 7, "changed": STAMP, "first_name": "Ann", "status": "new", "rev": 3}
        self.is_edited = True
        self.answers_records = True
        self.tells_versions = True

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(self.record)
        if asked.path.endswith("/7/confirm"):
            self.record |= {"status": "confirmed", "rev": self.record["rev"] + 1}
            return Reply(status=204)
        # It cuts what is sent to four characters.
        sent = {name: value[:4] for name, value in asked.json.items()}
        stored = {**self.record, **sent, "rev": self.record["rev"] + 1}
        self.record = {**stored, **TYPED, "rev": stored["rev"] + 1} if self.is_edited else dict(stored)
        headers = {"ETag": f'W/"{stored["rev"]}"'} if self.tells_versions else {}
        return Reply(stored, headers=headers) if self.answers_records else Reply(status=204, headers=headers)


@pytest.fixture
def erp() -> Erp:
    return Erp()


def update(folder: Path, url: str, **fields: Any) -> dict[str, Any]:
    """Rename the contact, with whatever else is given."""
    lock = {"type": "if_match", "path": "rev", "template": '"{version}"'}
    document = profile(
        update={"lock": lock},
        fields={"first_name": "first_name", "job_title": "status", "external_refs.chargebee": "ref"},
        actions={"job_title": {"confirmed": [{"path": "{path}/{id}/confirm"}]}},
    )
    based_on = {"first_name": "Ann", "job_title": "new"}
    entity = {"_id": "s", "id": "7", "first_name": "Eve", "$based_on": based_on, **fields}
    (answer,) = app_of(folder, url, document).post("/contact/share", json=[entity]).json
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer
    return dict(answer)


def test_an_edit_before_the_record_is_taken_to_a_state(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    answer = update(tmp_path, upstream.url, job_title="confirmed")
    assert (erp.record["first_name"], erp.record["status"]) == ("Typed", "confirmed"), "both stand"
    assert "$kept" not in answer, "what the person typed is an edit, which the next read brings"
    assert answer["$response"]["job_title"] == "confirmed"


def test_an_edit_before_the_record_is_read_again(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    erp.answers_records = False
    assert "$kept" not in update(tmp_path, upstream.url)
    assert erp.record["first_name"] == "Typed"


@pytest.mark.parametrize("answers_records", [True, False], ids=["record", "nothing"])
@pytest.mark.parametrize("tells_versions", [True, False], ids=["version", "none"])
@pytest.mark.parametrize("fields", [{}, {"job_title": "confirmed"}], ids=["one call", "two calls"])
def test_what_the_erp_makes_of_a_value_is_still_told(
    upstream: Upstream, erp: Erp, tmp_path: Path, answers_records: bool, tells_versions: bool, fields: Any
) -> None:
    erp.is_edited, erp.answers_records, erp.tells_versions = False, answers_records, tells_versions
    answer = update(tmp_path, upstream.url, first_name="Eveline", **fields)
    assert answer["$kept"] == [{"field": "/first_name", "sent": "Eveline", "kept": "Evel"}]


def test_what_was_not_sent_is_kept_in_no_other_way(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    """The record had the job title that is asked for already: whatever it is by then, nothing was made of it."""
    erp.record["status"] = "confirmed"

    def moving(asked: Asked) -> Reply:
        answer = Erp.__call__(erp, asked)
        return Reply({**answer.body, "status": "closed"}) if asked.method == "PATCH" else answer

    erp.is_edited, upstream.script = False, moving
    assert "$kept" not in update(tmp_path, upstream.url, job_title="confirmed")
