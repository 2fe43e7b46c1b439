"""A first profile from what an ERP answers: what can be seen is written down, and what is guessed says so."""
