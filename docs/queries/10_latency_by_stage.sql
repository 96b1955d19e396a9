-- Where does the time go between the venue's clock and a row that can be queried?
SELECT
    s.venue,
    count(*) AS snapshots,
    quantile_cont(epoch_us(s.received_at) - epoch_us(s.exchange_time), [0.5, 0.95]) AS exchange_to_received_us,
    quantile_cont(epoch_us(s.handed_at) - epoch_us(s.received_at), [0.5, 0.95]) AS received_to_handed_us,
    quantile_cont(epoch_us(s.landed_at) - epoch_us(s.handed_at), [0.5, 0.95]) AS handed_to_durable_us,
    quantile_cont(epoch_us(i.promoted_at) - epoch_us(s.landed_at), [0.5, 0.95]) AS durable_to_queryable_us
FROM book_snapshots s
JOIN ingest_segments i USING (segment_id)
WHERE s.day = (SELECT max(day) FROM book_snapshots)
GROUP BY s.venue
ORDER BY s.venue;
