"""The sub-verbs of `kk rollout`, one file each."""
