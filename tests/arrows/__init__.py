"""The check of the house's arrows; arrows.py beside this folder runs it."""
