"""The dataflow documents: which property of one system ends up in which of the other, read from the mappings.

`rows` sees the mapping files from each ERP datatype, `document` writes that as reStructuredText.
`make docs` runs `python -m stack.dataflow`.
"""
