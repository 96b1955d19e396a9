"""Both simulators with every fault they know, through the whole recording job into a real lake."""
