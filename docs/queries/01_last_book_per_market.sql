-- What is the last book we know of each market?
SELECT venue, market_id, received_at, bid1_px, bid1_sz, ask1_px, ask1_sz, crossed
FROM book_snapshots
WHERE day = (SELECT max(day) FROM book_snapshots)
QUALIFY row_number() OVER (PARTITION BY venue, market_id ORDER BY received_at DESC, sequence DESC) = 1
ORDER BY venue, market_id;
