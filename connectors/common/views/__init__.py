"""One blueprint per resource of the service contract."""
