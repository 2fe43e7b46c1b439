"""The Custom ERP service: any ERP with a JSON API, described by a profile, shown as entities."""
