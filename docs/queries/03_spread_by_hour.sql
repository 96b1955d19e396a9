-- How wide is the spread at each venue, by hour of the day (UTC), over the newest week?
SELECT
    venue,
    extract(hour FROM received_at) AS hour,
    median(ask1_px - bid1_px) AS median_spread,
    quantile_cont(CAST(ask1_px - bid1_px AS DOUBLE), 0.95) AS p95_spread,
    count(*) FILTER (ask1_px IS NULL OR bid1_px IS NULL) AS one_sided,
    count(*) AS snapshots
FROM books_trusted
WHERE day > (SELECT max(day) FROM book_snapshots) - 7
GROUP BY ALL
ORDER BY venue, hour;
