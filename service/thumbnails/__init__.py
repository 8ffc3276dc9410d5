"""Small pictures of archived images, made where images are decoded, and kept beside the archive."""
