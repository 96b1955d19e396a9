"""The analyst's live page: what the streams and the lake say now, read-only, pushed to a browser."""
