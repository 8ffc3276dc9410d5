"""Small pictures of archived images, made off the loop by processes that may die, and kept beside the archive."""
