"""The gallery: pages for people, rendered here, who log in with a key. It decides nothing and stores nothing."""
