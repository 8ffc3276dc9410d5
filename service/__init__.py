"""Darkroom: takes an image provider's callbacks, fetches the images at once and keeps them for good."""
