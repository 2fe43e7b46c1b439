"""The Chargebee service: its customers, business entities, orders and catalogue as entities."""
