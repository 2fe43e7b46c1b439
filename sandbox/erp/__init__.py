"""The sandbox ERP: a small but strict imitation of a company's own ERP, with a JSON API and an admin page."""
