"""What is delivered with the program: whether it has known holes (`make audit`), and what it is (`make sbom`)."""
