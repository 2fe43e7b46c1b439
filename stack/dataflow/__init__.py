"""The dataflow documents: which property of one system ends up in which of the other, read from the pipes.

`lineage` follows values through DTL without running it, `mappings` turns that into rows, `document` writes
them as reStructuredText. `make docs` runs `python -m stack.dataflow`.
"""
