"""Venues and language-model providers on this machine: real servers fed from one seeded catalogue.

Only the command line, ``arb up`` and the tests import this package.
"""
