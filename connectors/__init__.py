"""The two services that show a custom ERP and Chargebee as JSON entities the way Sesam wants them."""

__version__ = "0.1.0"
