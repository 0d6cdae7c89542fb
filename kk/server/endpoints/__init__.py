"""Paths and sub-resources that are no stored resource: one file each, `ENDPOINT = Endpoint(…)`; kk.server.app finds them."""
