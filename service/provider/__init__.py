"""All that knows the provider's wire format and its API."""
