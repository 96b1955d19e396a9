"""The lake (DuckLake on DuckDB), the spool in front of it, and everything that speaks SQL."""
