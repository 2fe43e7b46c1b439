"""The rows of the dataflow documents in a running stack: each property edited on one side, looked for on the other."""
