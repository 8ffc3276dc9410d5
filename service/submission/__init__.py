"""Submitting through us: what is asked for is judged, kept, priced and sent, and what is lost on the way is found."""
