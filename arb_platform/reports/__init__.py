"""Reports: what the platform costs, how fast it is, how whole its record is, what it found.

One module per report with one pure function, Polars in and Polars out; :mod:`.registry` names them.
"""
