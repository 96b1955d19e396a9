-- Which matched pairs disagree most right now? (The last trusted book of each venue, before fees.)
WITH last_book AS (
    SELECT venue, market_id, received_at, bid1_px, ask1_px
    FROM books_trusted
    WHERE day = (SELECT max(day) FROM book_snapshots)
    QUALIFY row_number() OVER (PARTITION BY venue, market_id ORDER BY received_at DESC, sequence DESC) = 1
)
SELECT
    m.pair_hash, m.polymarket_title, m.kalshi_title, m.orientation,
    p.bid1_px AS polymarket_bid, p.ask1_px AS polymarket_ask,
    CASE m.orientation WHEN 'inverted' THEN 1 - k.ask1_px ELSE k.bid1_px END AS kalshi_bid,
    CASE m.orientation WHEN 'inverted' THEN 1 - k.bid1_px ELSE k.ask1_px END AS kalshi_ask,
    greatest(kalshi_bid - polymarket_ask, polymarket_bid - kalshi_ask) AS gross_edge
FROM matched_pairs m
JOIN last_book p ON p.venue = 'polymarket' AND p.market_id = m.polymarket_id
JOIN last_book k ON k.venue = 'kalshi' AND k.market_id = m.kalshi_id
ORDER BY gross_edge DESC NULLS LAST;
