"""Fetches images in a process of its own, so that decrypting them takes no time from who answers callbacks."""
