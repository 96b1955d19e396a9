-- What did an accepted pair cost, failed and rejected attempts included, by model?
SELECT
    c.provider, c.model,
    count(*) AS calls,
    sum(c.cost_usd) AS cost_usd,
    count(*) FILTER (c.cost_usd IS NULL) AS calls_of_unknown_cost,
    count(DISTINCT m.pair_hash) AS accepted_pairs,
    CAST(sum(c.cost_usd) AS DOUBLE) / nullif(count(DISTINCT m.pair_hash), 0) AS usd_per_accepted_pair
FROM llm_calls c
LEFT JOIN matched_pairs m ON m.pair_hash = c.pair_hash
GROUP BY ALL
ORDER BY cost_usd DESC NULLS LAST;
