"""Admission plugins: one file each, `PLUGIN = Plugin(…)`; kk.server.admit runs them in their order."""
