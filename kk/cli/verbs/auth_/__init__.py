"""The sub-verbs of `kk auth`; one file each."""
