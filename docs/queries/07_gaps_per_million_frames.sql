-- How often does a stream lose something, per million frames, by venue and day?
WITH frames AS (
    SELECT venue, CAST(connected_at AS DATE) AS day, sum(frames) AS frames, count(*) AS sessions
    FROM stream_sessions GROUP BY ALL
), gaps AS (
    SELECT venue, CAST(started_at AS DATE) AS day, count(*) AS gaps
    FROM stream_events WHERE kind = 'gap' GROUP BY ALL
)
SELECT f.venue, f.day, f.sessions, f.frames, coalesce(g.gaps, 0) AS gaps,
    coalesce(g.gaps, 0) * 1e6 / nullif(f.frames, 0) AS gaps_per_million_frames
FROM frames f
LEFT JOIN gaps g USING (venue, day)
ORDER BY f.day, f.venue;
