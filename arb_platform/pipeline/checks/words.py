"""Figures as an operator reads them."""


def span(seconds: float) -> str:
    """A length of time: 42 s, 7 min, 3 h, 12 days."""
    for size, unit, most in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172_800)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
