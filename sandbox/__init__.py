"""Imitations of the two real systems, so that the whole sync runs on a laptop with nothing but loopback."""
