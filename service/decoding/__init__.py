"""Decodes strangers' images in processes that may die: thumbnails, and what pixels tell. It knows no catalog."""
