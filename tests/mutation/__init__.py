"""Mutation testing: changes the code in many small ways, and sees whether a test notices (`make mutants`)."""
