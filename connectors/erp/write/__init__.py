"""Writing single records: create, update, delete, and changes made by calls of their own."""
