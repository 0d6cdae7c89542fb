"""Pod workers: what a pod's containers get (env), what to do next (plan), what to report (status), and the loop that does it (workers).

env, plan and status are pure; workers.py and start.py act.
"""
