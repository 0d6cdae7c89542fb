"""The scheduler: chooses a node for every pod that names `default-scheduler` and has none yet.

framework.py has the words (PodInfo, NodeInfo, Plugin), cycle.py decides purely, queue.py says which pod is next, cache.py follows nodes
and pods, main.py does the I/O. plugins/ holds one file a filter or score, by upstream's names.
"""
