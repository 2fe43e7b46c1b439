"""Reading lists: pages, changes since a token, sub-resources, deletions, look-ups."""
