"""The sub-verbs of `kk top`, one file each."""
