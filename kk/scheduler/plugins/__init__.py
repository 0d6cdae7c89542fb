"""Filters and scores, one file each with `PLUGIN`. Pure: a pod, a node and the other nodes in, an answer out."""
