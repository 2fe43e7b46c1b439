"""What the rules are about, in words: why a row of a share dataset waits for a person or was refused."""

from __future__ import annotations

NO_RULE = "no rule given"
RULES = {
    "console-only": "To be done in the system's own console",
    "ambiguous": "Which records belong together is not clear",
    "deleted-elsewhere": "Deleted on the other side",
    "link-taken": "A link that belongs to another record",
    "link-unknown": "A link to a record that cannot be found",
    "settled-difference": "A difference that was there before the sync",
    "reference": "It refers to a record that does not exist yet",
    "lookup": "It refers to a record that does not exist",
    "datatype": "It refers to a record that does not exist",
    "create-unreadable": "A new record that may or may not have been created",
    "duplicate_entry": "Its id is taken by another record",
    "invoice": "An imported invoice without an order",
    "invoice-given-up": "Its invoices were voided or deleted",
    "totals": "Lines or totals that do not agree",
    "line-stays": "A line that is not removed",
    "unique": "A value that another record has already",
    "write-budget": "Written too often",
    "datatype-absent": "A kind of record that the system does not have",
    "payment": "A payment that cannot be synced",
    "key-clash": "Two records with one key",
    "pii_cleared": "Personal data were erased",
    "erased": "Personal data were erased",
    "brought-back": "In use again, while its counterpart is deleted",
    "required": "A value is missing",
    "enum": "A value that is not allowed",
    "format": "A value in the wrong format",
    "type": "A value of the wrong type",
    "maxLength": "A text that is too long",
    "readOnly": "A field that cannot be written",
    "read_only": "A kind of record that is only read",
    "notEmpty": "A field that cannot be emptied",
    "createOnly": "A field that is set once and never changed",
    "$based_on": "Somebody has changed it in the meantime",
    "contact_id": "Its contact is not linked yet",
    "customer": "Its paying customer is not linked",
    "price": "It has no price yet",
    "price_in_decimal": "Its price is not a single amount",
    "currency": "Its prices have another currency",
    "": "Refused without a rule",
    NO_RULE: "Refused without a rule",
}
"""The rules of share requests and of the pipes; a system may have more of its own."""


def in_words(rule: str) -> str:
    """Return what a rule is about; the name of a rule that is not known is taken apart: `Due date`."""
    return RULES.get(rule) or rule[0].upper() + rule[1:].replace("-", " ").replace("_", " ")
