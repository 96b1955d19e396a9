-- What do the models cost, hour by hour over the last week of calls, and how often does a call fail?
SELECT
    time_bucket(INTERVAL 1 HOUR, started_at) AS hour, provider, model,
    count(*) AS calls,
    count(*) FILTER (status <> 'ok') AS failures,
    sum(cost_usd) AS cost_usd,
    count(*) FILTER (cost_usd IS NULL) AS calls_of_unknown_cost
FROM llm_calls
WHERE started_at > (SELECT max(started_at) FROM llm_calls) - INTERVAL 7 DAY
GROUP BY ALL
ORDER BY hour, provider, model;
