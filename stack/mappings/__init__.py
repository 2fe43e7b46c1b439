"""What is synchronised (`mappings/`), how (`templates/`), and the pipes that come of it (`pipes/`)."""
