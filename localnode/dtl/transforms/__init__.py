"""The transforms of DTL: what acts on the target entity."""
