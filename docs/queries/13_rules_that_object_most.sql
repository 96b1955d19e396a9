-- Which hard rules rule out most candidates, and how similar do those look?
SELECT rule, count(*) AS candidates, round(avg(score), 3) AS mean_score, max(score) AS highest_score
FROM (SELECT unnest(broken_rules) AS rule, score FROM candidate_pairs)
GROUP BY rule
ORDER BY candidates DESC, rule;
