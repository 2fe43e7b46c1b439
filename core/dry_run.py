"""Names that a node and the services use for a dry run: a share request without its writes.

`POST /<datatype>/share?dry_run=true`, see `docs/reference/endpoints.md`.
"""

PARAMETER = "dry_run"
"""The parameter that asks for one."""

HEADER = "Dry-Run"
"""The header by which a service says that it has taken a share as one; without it, it has written."""

MARK = "$dry_run"
"""True in every answer entity of one."""

PRESENT = "$present"
"""The record of a share entity as earlier dry runs foresaw it; the service does not read it then."""
