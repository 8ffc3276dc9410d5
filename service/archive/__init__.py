"""Fetch, identify, store: a link becomes permanent bytes with a sidecar. It never calls the provider's API."""
