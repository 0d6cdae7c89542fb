"""The sub-verbs of `kk apply`; one file each."""
