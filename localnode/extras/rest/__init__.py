"""REST: named operations of a `system:rest`, used by the `rest` source, transform and sink.

An operation is a set of Jinja templates (`operation`) that make requests (`client`), page by page
(`paging`), with an access token where the system asks for one (`tokens`).
"""
