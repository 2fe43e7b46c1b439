"""Chargebee's error envelope: `{message, type, api_error_code, param?, error_code, error_msg, …}`.

Clients are meant to look at `api_error_code` and `param`; the message is for people
(https://apidocs.chargebee.com/docs/api/error-handling).
"""

from __future__ import annotations

from typing import Any

from core.jsonio import Json
from sandbox.chargebee.facts import holds, imitates


class ApiError(Exception):
    """A refusal in Chargebee's terms: HTTP status, `type`, `api_error_code`, offending parameter."""

    former: str | None = None
    """`error_code`, by which clients of the API before know it, where it is not `api_error_code`."""

    def __init__(self, status: int, kind: str, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.param = param

    @imitates("errors-have-a-code")
    def body(self) -> Json:
        """Return the JSON object that goes to the client."""
        body: dict[str, Any] = {
            "message": f"{self.param} : {self.message}" if self.param else self.message,
            "type": self.kind,
            "api_error_code": self.code,
            "error_code": self.former or self.code,
            "error_msg": self.message,
            "http_status_code": self.status,
        }
        if self.param:
            body["param"] = self.param
            body["error_param"] = self.param
        if not holds("errors-have-a-code"):
            del body["api_error_code"]
        return body


def wrong_value(param: str | None, message: str) -> ApiError:
    """400 `param_wrong_value`: a value breaks the rules of its parameter."""
    return ApiError(400, "invalid_request", "param_wrong_value", message, param)


@imitates("required-parameters")
def blank(param: str) -> ApiError:
    """400 `invalid_request`: something required is missing or empty.

    As recorded in https://github.com/chargebee/chargebee-php/issues/44.
    """
    error = ApiError(400, "invalid_request", "invalid_request", "cannot be blank", param)
    error.former = "param_required"
    return error


@imitates("taken-id-is-duplicate")
def duplicate(param: str, value: str) -> ApiError:
    """400 `duplicate_entry`: the value must be unique and is taken."""
    if param == "id" and not holds("taken-id-is-duplicate"):
        return ApiError(409, "invalid_request", "invalid_state_for_request", f"There is a {value} already")
    return ApiError(
        400, "invalid_request", "duplicate_entry", f"The value {value} is already present.", param
    )


def invalid_request(message: str, param: str | None = None) -> ApiError:
    """400 `invalid_request`: values that do not go together, or a call against the API's rules."""
    return ApiError(400, "invalid_request", "invalid_request", message, param)


def configuration_incompatible(message: str, param: str | None = None) -> ApiError:
    """400 `configuration_incompatible`: the site's settings or features do not allow the call."""
    return ApiError(400, "invalid_request", "configuration_incompatible", message, param)


@imitates("missing-record-is-404", "missing-reference-is-404-with-param")
def not_found(what: str, identifier: str, param: str | None = None) -> ApiError:
    """404 `resource_not_found`; with `param` when another record refers to the missing one."""
    if param is None and not holds("missing-record-is-404"):
        return ApiError(400, "invalid_request", "invalid_request", f"{what} {identifier} not found")
    if not holds("missing-reference-is-404-with-param"):
        param = None
    return ApiError(404, "invalid_request", "resource_not_found", f"{what} {identifier} not found", param)


def no_such_path(path: str) -> ApiError:
    """404 for a path that the API does not have."""
    return ApiError(
        404, "invalid_request", "resource_not_found", f"Sorry, we couldn't find that resource: {path}"
    )


@imitates("wrong-verb-is-405")
def wrong_method(method: str) -> ApiError:
    """405 `http_method_not_supported`."""
    if not holds("wrong-verb-is-405"):
        return no_such_path(method)
    return ApiError(
        405, "invalid_request", "http_method_not_supported", f"{method} is not supported for this path"
    )


@imitates("state-forbids-is-409")
def invalid_state(message: str) -> ApiError:
    """409 `invalid_state_for_request`: the record's state forbids the operation."""
    if not holds("state-forbids-is-409"):
        return invalid_request(message)
    return ApiError(409, "invalid_request", "invalid_state_for_request", message)


@imitates("key-is-the-user")
def unauthenticated() -> ApiError:
    """401 `api_authentication_failed`."""
    if not holds("key-is-the-user"):
        return no_such_path("")
    return ApiError(
        401, "untyped", "api_authentication_failed", "Sorry, authentication failed. Invalid API key"
    )


def unprocessable(message: str) -> ApiError:
    """422 `unable_to_process_request`, such as an idempotency key sent again with another payload."""
    return ApiError(422, "invalid_request", "unable_to_process_request", message)
