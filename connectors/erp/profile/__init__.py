"""The description of one ERP: its model, how it is loaded, and what it is checked for."""
