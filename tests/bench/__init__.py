"""Benchmarks: `make bench` prints the rows of the Budgets table as ratios measured in one run. Nothing here is a test.

reference.py is what the API server is measured against, load.py drives wrk, cluster.py starts what is measured, rows/ holds one file a row group.
"""
