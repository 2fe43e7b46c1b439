"""What the rules are about, in words: why a row of a share dataset waits for a person or was refused."""

from __future__ import annotations

NO_RULE = "no rule given"
RULES = {
    "console-only": "To be done in the system's own console",
    "ambiguous": "Which records belong together is not clear",
    "deleted-elsewhere": "Deleted on the other side",
    "link-taken": "A link that another record has",
    "link-unknown": "A link that leads nowhere",
    "settled-difference": "A difference that was there before the sync",
    "reference": "A record that it refers to is not there yet",
    "lookup": "A record that it refers to is not there",
    "datatype": "A record that it refers to is not there",
    "create-unreadable": "A new record that may have been made or not",
    "duplicate_entry": "Its id is taken by another record",
    "invoice": "An imported invoice that was left",
    "invoice-given-up": "Its invoices had to be given up",
    "totals": "Lines or totals that do not agree",
    "line-stays": "A line that is not removed",
    "unique": "A value that another record has already",
    "write-budget": "Written too often",
    "datatype-absent": "A kind of record that the system does not have",
    "payment": "A payment that cannot be carried over",
    "key-clash": "Two records with one key",
    "pii_cleared": "Personal data that were erased",
    "erased": "Personal data that were erased",
    "brought-back": "In use again, while its counterpart is deleted",
    "required": "A value is missing",
    "enum": "A value that is none of those allowed",
    "format": "A value of the wrong form",
    "type": "A value of the wrong kind",
    "maxLength": "A text that is too long",
    "readOnly": "A field that cannot be written",
    "read_only": "A kind of record that is only read",
    "notEmpty": "A field that cannot be emptied",
    "createOnly": "A field that is set once and stays",
    "$based_on": "Changed by somebody meanwhile",
    "contact_id": "Its contact is not linked yet",
    "customer": "Nobody who is linked pays for it",
    "price": "It has no price yet",
    "price_in_decimal": "Its price is no single amount",
    "currency": "Its prices have another currency",
    "": "Refused without naming a rule",
    NO_RULE: "Refused without naming a rule",
}
"""The rules of share requests and of the pipes; a system may have more of its own."""


def in_words(rule: str) -> str:
    """Return what a rule is about; the name of a rule that is not known is taken apart: `Due date`."""
    return RULES.get(rule) or rule[0].upper() + rule[1:].replace("-", " ").replace("_", " ")
