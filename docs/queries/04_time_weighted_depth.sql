-- How many contracts could be traded within the three visible levels, weighted by how long they stood there?
WITH standing AS (
    SELECT
        venue, market_id,
        coalesce(bid1_sz, 0) + coalesce(bid2_sz, 0) + coalesce(bid3_sz, 0) AS bid_depth,
        coalesce(ask1_sz, 0) + coalesce(ask2_sz, 0) + coalesce(ask3_sz, 0) AS ask_depth,
        epoch_us(lead(received_at) OVER book) - epoch_us(received_at) AS stood_us
    FROM books_trusted
    WHERE day = (SELECT max(day) FROM book_snapshots)
    WINDOW book AS (PARTITION BY venue, market_id, session_id, epoch ORDER BY received_at, sequence)
)
SELECT
    venue, market_id,
    sum(bid_depth * stood_us) / sum(stood_us) AS bid_depth,
    sum(ask_depth * stood_us) / sum(stood_us) AS ask_depth,
    sum(stood_us) / 1e6 AS seconds
FROM standing
WHERE stood_us > 0
GROUP BY ALL
ORDER BY venue, market_id;
