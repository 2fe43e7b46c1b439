"""Demo data for both systems from one seed, so that about a third of the records match."""
