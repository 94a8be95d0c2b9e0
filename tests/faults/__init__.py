"""The whole service under harm: killed, frozen and cut off at random, and nothing lost.

The short form runs with the other tests; the long one by ``python -m tests.faults --help``.
"""
