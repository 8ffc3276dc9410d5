"""What archived images tell of themselves: provenance, metadata, colours, and how they look. It changes no image."""
