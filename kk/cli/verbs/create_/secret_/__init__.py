"""The kinds of secrets that `kk create secret` makes; one file each."""
