"""Floor 0, pure vocabulary: errors, schema nodes, selectors, quantities, times, names, patches, jsonpath, backoff.

Nothing here does I/O, reads a clock it was not given, or imports a third party.
"""
