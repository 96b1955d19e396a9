-- How good was each pair's best edge after fees, every five minutes of the newest day, and could it be taken?
SELECT
    time_bucket(INTERVAL 5 MINUTE, o."at") AS since,
    o.pair_hash,
    any_value(m.polymarket_title) AS title,
    max(o.net_edge) AS best_net_edge,
    max(o.net_edge) FILTER (o.reason IS NULL) AS best_that_could_be_taken,
    count(*) AS edges
FROM opportunities o
LEFT JOIN matched_pairs m USING (pair_hash)
WHERE o."at" >= (SELECT date_trunc('day', max("at")) FROM opportunities)
GROUP BY ALL
ORDER BY since, o.pair_hash;
