"""What both services share: entity and share protocols, upstream client, errors, settings, auth, logs,
metrics.
"""
