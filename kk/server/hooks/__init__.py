"""Webhooks: the client that calls them, how they are chosen for a write, and what their answers mean."""
