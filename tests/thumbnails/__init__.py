"""Making thumbnails."""
