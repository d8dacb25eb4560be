"""Vitrina measured against what it replaces, by commands that anyone can run."""
