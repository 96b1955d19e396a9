-- For how long could a market's book not be vouched for, by cause? (What goes on counts until its session's end.)
SELECT
    e.venue, coalesce(e.market_id, '(whole connection)') AS market_id, e.kind,
    count(*) AS events,
    sum(epoch_ms(coalesce(e.ended_at, s.ended_at, now())) - epoch_ms(e.started_at)) / 1000 AS seconds
FROM stream_events e
LEFT JOIN stream_sessions s USING (session_id)
WHERE e.kind IN ('gap', 'silence', 'resync', 'overflow', 'reconnect')
GROUP BY ALL
ORDER BY seconds DESC, e.venue, market_id;
