"""What a prediction market is, in plain Python: no I/O, no clock, no third-party package."""
