"""Speaking to the ERP: the client, its credentials, and what answers mean."""
