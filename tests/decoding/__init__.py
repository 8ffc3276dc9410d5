"""Decoding images in processes that may die."""
