"""Which market of one venue is the same bet as a market of the other."""
