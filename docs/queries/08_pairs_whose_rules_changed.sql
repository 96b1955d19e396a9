-- Which judged pairs no longer mean what was judged, and which text changed?
SELECT DISTINCT
    c.pair_hash, v.status AS judged_as, now_valid.venue, now_valid.market_id, now_valid.valid_from AS changed_at,
    before.rules IS DISTINCT FROM now_valid.rules AS rules_changed,
    before.title IS DISTINCT FROM now_valid.title AS title_changed,
    before.close_time IS DISTINCT FROM now_valid.close_time AS close_time_changed
FROM candidate_pairs c
JOIN verdicts v USING (pair_hash)
JOIN market_versions before
    ON (before.venue = 'polymarket' AND before.market_id = c.polymarket_id AND before.content_hash = c.polymarket_content_hash)
    OR (before.venue = 'kalshi' AND before.market_id = c.kalshi_id AND before.content_hash = c.kalshi_content_hash)
JOIN markets now_valid
    ON now_valid.venue = before.venue AND now_valid.market_id = before.market_id
    AND now_valid.content_hash <> before.content_hash
ORDER BY changed_at DESC, c.pair_hash;
