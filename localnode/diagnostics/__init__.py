"""Explain to people what the flow does with records.

Why a value is what it is (`explain`), what a run would do (`plan`), whether both sides agree (`verify`). All
of it relies only on naming conventions: pipes `<system>-<datatype>-<stage>` (collect, enrich, transform,
share), merged concepts `global-<concept>`, and the `$` properties of the share protocol. Nothing here knows
which systems are connected.
"""
