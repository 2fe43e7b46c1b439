"""JSON Schemas of what the node itself reads: pipe, pump, system and metadata entities.

Sources, transforms and sinks describe themselves in the component registry. Every schema here is closed:
a property that nobody knows is probably a typing error and is warned of with the nearest known name.
"""

from __future__ import annotations

from typing import Any

from localnode.extras.rest import schema as rest

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "array"], "items": {"type": "string"}}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_POSITIVE: Schema = {"type": "integer", "minimum": 1}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_STRING: Schema = {"type": "string", "minLength": 1}
_MAYBE_EMPTY: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_DATASETS: Schema = {"type": "array", "items": _STRING}


def _closed(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_RETRIES: dict[str, Schema] = {
    "max_read_retries": _COUNT,
    "read_retry_delay": _SECONDS,
    "write_retry_delay": _SECONDS,
    "max_retries_per_entity": _COUNT,
    "max_consecutive_write_errors": _POSITIVE,
    "max_write_errors_in_retry_dataset": _COUNT,
    "batch_retries": _COUNT,
}

PUMP = _closed(
    {
        **_RETRIES,
        "comment": _TEXT,
        "mode": {"enum": ["scheduled", "manual", "off"]},
        "schedule_interval": {"type": "number", "exclusiveMinimum": 0},
        "cron_expression": _STRING,
        "run_at_startup": _FLAG,
        "run_at_startup_if_not_populated": _FLAG,
        "rescan_run_count": _POSITIVE,
        "rescan_cron_expression": _STRING,
        "partial_rescan_run_count": _POSITIVE,
        "partial_rescan_delta": {"type": "number", "minimum": 0},
        "dead_letter_dataset": _STRING,
        "use_dead_letter_dataset": _FLAG,
        "track_dead_letters": _FLAG,
        "fallback_to_single_entities_on_batch_fail": _FLAG,
        "max_seconds_per_entity": {"type": "number", "exclusiveMinimum": 0},
        "log_events_noop_runs": _FLAG,
        "log_events_noop_runs_changes_only": _FLAG,
        "notification_granularity": _SECONDS,
    }
)

_ENTITY: dict[str, Schema] = {
    "_id": {"type": "string", "pattern": "^[^/]+$"},
    "name": {"type": "string"},
    "description": _TEXT,
    "comment": _TEXT,
    "metadata": _OBJECT,
    "permissions": {"type": "array"},
}

COMPACTION = _closed(
    {
        "automatic": _FLAG,
        "sink": _FLAG,
        "keep_versions": _COUNT,
        "time_threshold_hours": _SECONDS,
        "time_threshold_hours_pump": {"type": "number", "minimum": 720},
        "growth_threshold": {"type": "number", "minimum": 1},
        "compaction_interval": _SECONDS,
        "ttl_deletes_hours": _SECONDS,
        "ttl_deletes_timeout_seconds": _SECONDS,
        "retract": _FLAG,
        "retract_timeout_seconds": _SECONDS,
    }
)
PIPE = _closed(
    {
        **_ENTITY,
        "type": {"const": "pipe"},
        "source": _OBJECT,
        "transform": {"type": ["object", "array"], "items": _OBJECT},
        "sink": _OBJECT,
        "pump": _OBJECT,
        "batch_size": _POSITIVE,
        "checkpoint_interval": _POSITIVE,
        "add_namespaces": _FLAG,
        "remove_namespaces": _FLAG,
        "namespaced_identifiers": _FLAG,
        "namespaces": _closed({"identity": _STRING, "property": _STRING, "default": _OBJECT}),
        "compaction": {
            **COMPACTION,
            "if": {"properties": {"keep_versions": {"const": 0}}, "required": ["keep_versions"]},
            "then": {"required": ["time_threshold_hours"]},
        },
        "exclude_completeness": _DATASETS,
        "include_completeness": _DATASETS,
        "reprocessing_policy": {"enum": ["continue", "automatic"]},
        "rescan_when_config_changes": _FLAG,
        "enable_background_rescan": _FLAG,
        "disable_set_last_seen": _FLAG,
        "infer_pipe_entity_types": _FLAG,
        "dependency_tracking": _OBJECT,
    },
    ("_id", "type", "source"),
)

_OAUTH2 = _closed(
    {
        "client_id": _MAYBE_EMPTY,
        "client_secret": _MAYBE_EMPTY,
        "token_url": _MAYBE_EMPTY,
        "access_token": _STRING,
        "refresh_token": _STRING,
        "refresh_window": _SECONDS,
        "scope": {"type": ["string", "array"], "items": _STRING},
        "extra": _OBJECT,
    },
    ("client_id", "client_secret", "token_url"),
)
_TRIPLETEX = _closed(
    {
        "consumer_token": _MAYBE_EMPTY,
        "employee_token": _MAYBE_EMPTY,
        "token_url": _MAYBE_EMPTY,
        "ttl": {"type": "number", "exclusiveMinimum": 0},
    },
    ("consumer_token", "employee_token", "token_url"),
)
_HTTP: dict[str, Schema] = {
    "headers": _OBJECT,
    "authentication": {"enum": ["basic", "digest", "jwt", "ntlm", "tripletex"]},
    "username": {"type": "string"},
    "password": {"type": "string"},
    "jwt_token": {"type": "string"},
    "oauth2": _OAUTH2,
    "tripletex": _TRIPLETEX,
    "verify_ssl": _FLAG,
    "connect_timeout": _SECONDS,
    "read_timeout": _SECONDS,
    "retry_strategy": {
        "type": "object",
        "propertyNames": {"pattern": r"^(default|\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*)$"},
        "additionalProperties": _closed(_RETRIES),
    },
    "ignore_invalid_content_length_response_header": _FLAG,
    "worker_threads": _POSITIVE,
}
_ADDRESS: dict[str, Schema] = {"url_pattern": _STRING, "base_url": _STRING}

_DOCKER = _closed(
    {
        "image": _STRING,
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "environment": _OBJECT,
        "memory": _POSITIVE,
        "cpu_quota": _POSITIVE,
        "hosts": _OBJECT,
        "username": {"type": "string"},
        "password": {"type": "string"},
        "skip_pull": _FLAG,
        "pull_image_cron_expression": _STRING,
    },
    ("image", "port"),
)

SYSTEMS: dict[str, Schema] = {
    "system:url": _closed({**_ENTITY, "type": {}, **_HTTP, **_ADDRESS}, ("_id", "type")),
    "system:microservice": _closed(
        {
            **_ENTITY,
            **_HTTP,
            "_id": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,61}[A-Za-z0-9_]$"},
            "type": {},
            "docker": _DOCKER,
            "use_https": _FLAG,
            "eager_load": _FLAG,
        },
        ("_id", "type"),
    ),
    "system:rest": _closed(
        {
            **_ENTITY,
            **_HTTP,
            **_ADDRESS,
            "type": {},
            **rest.SYSTEM,
        },
        ("_id", "type"),
    ),
}

OTHER_SYSTEMS = frozenset(
    f"system:{name}"
    for name in (
        "elasticsearch", "kafka", "ldap", "mssql", "mssql-azure-dw", "mysql", "oracle", "oracle_tns",
        "postgresql", "smtp", "solr", "sqlserver", "twilio",
    )
)  # fmt: skip
"""Systems that hosted nodes talk to and this node does not
(https://docs.sesam.io/hub/documentation/service-configuration/systems/configuration-systems.html); what is
said of them is not checked."""

METADATA = _closed(
    {
        **_ENTITY,
        "type": {"const": "metadata"},
        "namespaced_identifiers": _FLAG,
        "namespaces": {"type": "object", "additionalProperties": _OBJECT},
        "task_manager": _OBJECT,
        "global_defaults": _OBJECT,
        "dependency_tracking": _OBJECT,
    },
    ("_id", "type"),
)
