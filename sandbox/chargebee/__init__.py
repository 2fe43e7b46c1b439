"""An imitation of Chargebee's API v2 (Product Catalog 2.0), strict where the real one is strict.

`python -m sandbox.chargebee` serves it on loopback; https://apidocs.chargebee.com is what it imitates.
"""
