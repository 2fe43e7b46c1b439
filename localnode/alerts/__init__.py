"""Notify people about problems that last too long, and about their end.

Once, in groups, outside quiet hours; by e-mail, or through webhooks of Slack, Teams or others.
"""
