"""The sub-verbs of `kk image`, one file each."""
