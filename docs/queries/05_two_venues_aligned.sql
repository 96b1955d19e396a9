-- For each matched pair: what did Kalshi's book say whenever Polymarket's changed, and how far apart were the mid prices?
SELECT
    m.pair_hash,
    p.received_at,
    (p.bid1_px + p.ask1_px) / 2 AS polymarket_mid,
    CASE m.orientation WHEN 'inverted' THEN 1 - (k.bid1_px + k.ask1_px) / 2 ELSE (k.bid1_px + k.ask1_px) / 2 END AS kalshi_mid,
    polymarket_mid - kalshi_mid AS difference,
    epoch_ms(p.received_at) - epoch_ms(k.received_at) AS kalshi_age_ms
FROM matched_pairs m
JOIN books_trusted p ON p.venue = 'polymarket' AND p.market_id = m.polymarket_id
ASOF JOIN (SELECT * FROM books_trusted WHERE venue = 'kalshi') k
    ON k.market_id = m.kalshi_id AND k.received_at <= p.received_at
WHERE p.day = (SELECT max(day) FROM book_snapshots)
ORDER BY m.pair_hash, p.received_at;
