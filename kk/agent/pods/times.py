"""POSIX seconds as metav1.Time; the agent keeps its times as numbers."""

import time


def stamp(seconds: float) -> str:
    """`2006-01-02T15:04:05Z`; 0 is the epoch, as containerd reports for a program that never ran."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
