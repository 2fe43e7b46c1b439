"""The profile as typed objects: every key with its type, its default and what it means, in one place.

The JSON Schema (`connectors.erp.profile.schema`) and the reference page are made from these classes.
"""
