"""Text on its way into a column: market text is hostile, and UTF-8 cannot hold everything a str can."""


def storable(text: str | None) -> str | None:
    """``text`` with lone surrogates replaced by U+FFFD; everything else as it is."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
