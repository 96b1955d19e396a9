-- How did the mid price of each market move, minute by minute (open, high, low, close)?
SELECT
    venue, market_id,
    time_bucket(INTERVAL 1 MINUTE, received_at) AS minute,
    arg_min((bid1_px + ask1_px) / 2, received_at) AS open,
    max((bid1_px + ask1_px) / 2) AS high,
    min((bid1_px + ask1_px) / 2) AS low,
    arg_max((bid1_px + ask1_px) / 2, received_at) AS close,
    count(*) AS snapshots
FROM books_trusted
WHERE day = (SELECT max(day) FROM book_snapshots) AND bid1_px IS NOT NULL AND ask1_px IS NOT NULL
GROUP BY ALL
ORDER BY venue, market_id, minute;
