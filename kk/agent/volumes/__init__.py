"""Volumes at level `host`: each type is one file with `VOLUME`, which materialises the volume as a folder below the pod's own.

A mount path cannot appear in the host's root here. Programs are told in KK_VOLUMES where what they mount really is; the built-in images heed it.
"""
