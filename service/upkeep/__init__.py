"""Work that people start: trying again."""
