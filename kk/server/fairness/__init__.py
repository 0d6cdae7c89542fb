"""Priority and fairness: how many requests run at a time, and whose turn it is.

`rules` tells the class of a request from the FlowSchemas, `levels` counts and queues, `filter` is what the app asks.
"""
