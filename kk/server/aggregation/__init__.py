"""Aggregation: groups and versions of the API that other servers serve behind a Service, and the APIServices that say who serves what."""
