-- Where did a person decide otherwise than the model, and why?
SELECT
    r.pair_hash, v.model, v.status AS model_said, v.similarity, r.decision AS person_said, r.reviewer, r.reason,
    c.polymarket_id, c.kalshi_id
FROM reviews r
JOIN verdicts v USING (pair_hash)
JOIN candidate_pairs c USING (pair_hash)
WHERE (r.decision = 'accept' AND v.status <> 'accepted') OR (r.decision = 'reject' AND v.status = 'accepted')
QUALIFY row_number() OVER (PARTITION BY r.pair_hash ORDER BY v.decided_at DESC, r.decided_at DESC) = 1
ORDER BY r.decided_at DESC;
