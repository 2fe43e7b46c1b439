"""Code that both services share.

Entity and share protocols, upstream client, errors, settings, auth, logs, metrics.
"""
