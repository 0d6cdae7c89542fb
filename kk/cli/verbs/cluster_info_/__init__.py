"""The sub-verbs of `kk cluster-info`; one file each."""
