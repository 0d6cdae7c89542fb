"""The sub-verbs of `kk config`, one file each."""
