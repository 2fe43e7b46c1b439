"""How systems, datatypes and records are called wherever a person reads them: `ERP contact CT-1`."""

from __future__ import annotations

SYSTEMS = {"customerp": "ERP", "chargebee": "Chargebee"}


def system_name(system: str) -> str:
    """`ERP` for `customerp`."""
    return SYSTEMS.get(system, system)


def datatype_name(system: str, datatype: str) -> str:
    """`Chargebee business entity`."""
    return f"{system_name(system)} {datatype.replace('_', ' ')}"


def record_name(identifier: str) -> str:
    """`ERP contact CT-1` of `~:customerp-contact:CT-1`; what is no namespaced identifier stays as it is."""
    namespace, colon, key = identifier.removeprefix("~:").partition(":")
    system, dash, datatype = namespace.partition("-")
    return f"{datatype_name(system, datatype)} {key}" if colon and dash else identifier
