"""Scope specs that run, and the JSON Schema of their format."""
