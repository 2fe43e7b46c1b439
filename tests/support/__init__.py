"""Helpers shared by the tests: real processes on loopback, awaited conditions."""
