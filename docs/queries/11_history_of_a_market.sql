-- How often, and when, did the meaning of a market change? (The ten that changed most.)
SELECT
    venue, market_id,
    arg_max(title, valid_from) AS title,
    count(*) AS versions,
    min(valid_from) AS first_seen,
    max(valid_from) FILTER (valid_from > (SELECT min(valid_from) FROM market_versions)) AS last_changed,
    bool_or(gone) AS gone
FROM market_versions
GROUP BY venue, market_id
ORDER BY versions DESC, venue, market_id
LIMIT 10;
