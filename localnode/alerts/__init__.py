"""Alerts: what needs attention for too long is told to people, and so is its end.

Once, in groups, outside quiet hours; by e-mail, to hooks of Slack, Teams or anything else.
"""
