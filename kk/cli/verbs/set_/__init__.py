"""The sub-verbs of `kk set`, one file each."""
