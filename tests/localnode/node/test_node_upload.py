"""Reading uploads: zip, JSON, folders, and what is wrong with them."""

import io
import json
import zipfile

import pytest

from localnode.config import (
    UnreadableUpload,
    pack,
    pack_directory,
    read_directory,
    read_upload,
    read_variables,
)


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
    return buffer.getvalue()


def test_zip_takes_conf_json_members_only_and_lists_in_them():
    data = archive(
        {
            "pipes/a.conf.json": '{"_id": "a"}',
            "pipes/readme.txt": "no",
            "systems/x.conf.json": '[{"_id": "x"}, {"_id": "y"}]',
        }
    )
    assert [entity["_id"] for entity in read_upload(data)] == ["a", "x", "y"]


@pytest.mark.parametrize(
    ("body", "ids"), [('[{"_id":"a"}]', ["a"]), ('{"_id":"a"}', ["a"]), ("[]", []), ('﻿{"_id":"b"}', ["b"])]
)
def test_json_uploads(body, ids):
    assert [entity["_id"] for entity in read_upload(body.encode())] == ids


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"_id": "a",\n  "x": }', ["pipes/a.conf.json", "line 2", "column 8"]),
        ("[1]", ["pipes/a.conf.json", "object"]),
        ('{"type": "pipe"}', ["pipes/a.conf.json", "_id"]),
        ('{"_id": "a", "x": NaN}', ["pipes/a.conf.json", "NaN"]),
        ('{"_id": ""}', ["pipes/a.conf.json", "_id"]),
        ('{"_id": "a", "rules": {"r": [], "s": [], "r": [1]}}', ["pipes/a.conf.json", '"r" is there twice']),
        ('{"_id": "b"}', ["used twice", "pipes/a.conf.json", "pipes/b.conf.json"]),
    ],
)
def test_a_bad_file_is_named(text, words):
    data = archive({"pipes/a.conf.json": text, "pipes/b.conf.json": '{"_id": "b"}'})
    with pytest.raises(UnreadableUpload) as caught:
        read_upload(data)
    for word in words:
        assert word in str(caught.value)
    finding = caught.value.validation_errors[0]
    assert finding["config-errors"][0]["level"] == "error"
    assert finding["config-errors"][0]["msg"] == str(caught.value)


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"\xff\xfe", b"", b"{"])
def test_bytes_that_are_no_config(data):
    with pytest.raises(UnreadableUpload):
        read_upload(data)


def test_a_folder_is_packed_as_it_is_and_read_the_same(tmp_path):
    for name, text in {
        "pipes/sub/a.conf.json": '{"_id": "a", "type": "pipe"}',
        "systems/s.conf.json": '{"_id": "s"}',
        "node-metadata.conf.json": '{"_id": "node"}',
        "expected/a.conf.json": "not read",
        "pipes/notes.md": "not read",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_directory(tmp_path) == read_upload(pack_directory(tmp_path))
    assert [entity["_id"] for entity in read_directory(tmp_path)] == ["node", "a", "s"]


def test_variables_of_a_profile(tmp_path, caplog):
    assert read_variables(tmp_path) is None
    (tmp_path / "test-env.json").write_bytes(b"\xef\xbb\xbf" + b'{"a": 1}')
    assert read_variables(tmp_path, "test") == {"a": 1}
    (tmp_path / "test-env.json").write_text('{"a": 1, "b": 2, "a": 3}')
    assert read_variables(tmp_path, "test") == {"a": 3, "b": 2}
    assert "test-env.json: twice there, the last one counts: a" in caplog.text
    (tmp_path / "test-env.json").write_text("[1]")
    with pytest.raises(UnreadableUpload, match="object"):
        read_variables(tmp_path, "test")


def test_packing_keeps_entities_verbatim_and_is_deterministic():
    entities = [
        {"_id": "node", "type": "metadata"},
        {"type": "system:url", "_id": "s"},
        {"_id": "p ø", "type": "pipe", "big": 2**80, "one": 1.0},
    ]
    data = pack(entities)
    assert data == pack(entities)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = packed.namelist()
        assert names == ["node-metadata.conf.json", "systems/s.conf.json", "pipes/p ø.conf.json"]
        assert list(json.loads(packed.read(names[1]))) == ["type", "_id"]
    assert read_upload(data) == entities
