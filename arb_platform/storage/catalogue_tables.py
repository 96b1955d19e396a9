"""The tables of listings, candidates, verdicts, reviews and calls."""

from typing import Final

from arb_platform.storage.columns import Column, Table

MARKET_VERSIONS: Final = Table(
    "market_versions",
    "one version of a market's meaning, from valid_from to valid_to",
    (
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("market_id", "VARCHAR", "the venue's key: condition id or ticker"),
        Column("event_id", "VARCHAR", "the venue's event the market belongs to"),
        Column("series_id", "VARCHAR", "the venue's series of events"),
        Column("symbol", "VARCHAR", "what people call it: slug or ticker"),
        Column("title", "VARCHAR", "the question"),
        Column("subtitle", "VARCHAR", "the venue's second line"),
        Column("event_title", "VARCHAR", "the event's title"),
        Column("rules", "VARCHAR", "the full rule text"),
        Column("outcome", "VARCHAR", "the outcome whose price is meant"),
        Column("outcomes", "VARCHAR[]", "all outcomes, in the venue's order"),
        Column("asset_ids", "VARCHAR[]", "Polymarket's token ids in the order of outcomes"),
        Column("close_time", "TIMESTAMPTZ", "when trading ends"),
        Column("resolution_source", "VARCHAR", "who decides"),
        Column("category", "VARCHAR", "the venue's category"),
        Column(
            "status",
            "VARCHAR",
            "active, or the venue's word for why it cannot be traded; follows the venue without a new version",
        ),
        Column("market_type", "VARCHAR", "binary, scalar, ..."),
        Column(
            "mutually_exclusive", "BOOLEAN", "only one market of the event can come true; NULL is unknown"
        ),
        Column("tick_size", "DECIMAL(9,6)", "smallest price step; follows the venue"),
        Column("min_order_size", "DECIMAL(18,6)", "smallest order in contracts; follows the venue"),
        Column(
            "strike_type", "VARCHAR", "Kalshi: greater, greater_or_equal, less, less_or_equal, between, ..."
        ),
        Column("floor_strike", "DECIMAL(38,12)", "Kalshi: lower threshold"),
        Column("cap_strike", "DECIMAL(38,12)", "Kalshi: upper threshold"),
        Column("fee_type", "VARCHAR", "the venue's fee formula; follows the venue"),
        Column("fee_rate", "DECIMAL(18,12)", "NULL is unknown, never zero; follows the venue"),
        Column("fee_exponent", "DECIMAL(18,12)", "as fee_rate"),
        Column("fee_multiplier", "DECIMAL(18,12)", "as fee_rate"),
        Column("volume", "DECIMAL(38,12)", "traded so far as the venue counts it; follows the venue"),
        Column("result", "VARCHAR", "how it was resolved; follows the venue"),
        Column(
            "content_hash", "VARCHAR", "SHA-256 of what the market means: words, outcomes, strikes, deadline"
        ),
        Column(
            "exact", "VARCHAR", "JSON of values that their columns cannot hold exactly; nearly always NULL"
        ),
        Column("valid_from", "TIMESTAMPTZ", "end of the listing that first showed this version"),
        Column("valid_to", "TIMESTAMPTZ", "end of the listing that showed another one; NULL: current"),
        Column("gone", "BOOLEAN", "true when a whole listing did not contain the market any more"),
    ),
    key=("venue", "market_id", "valid_from"),
    partitioned_by=("venue",),
    sorted_by=("market_id",),
)

LISTINGS: Final = Table(
    "listings",
    "one walk through a venue's list of markets",
    (
        Column("listing_id", "VARCHAR", "key"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("started_at", "TIMESTAMPTZ", "first request"),
        Column("ended_at", "TIMESTAMPTZ", "last answer"),
        Column("duration_s", "DOUBLE", "seconds between the two"),
        Column("pages", "INTEGER", "answers read"),
        Column("row_count", "BIGINT", "markets in it"),
        Column("complete", "BOOLEAN", "it can be trusted to be whole; only then are missing markets gone"),
        Column("reason", "VARCHAR", "how it ended"),
        Column("new", "BIGINT", "markets seen for the first time"),
        Column("changed", "BIGINT", "markets whose meaning changed"),
        Column("gone", "BIGINT", "markets that are no longer listed"),
        Column("unchanged", "BIGINT", "markets that mean what they meant"),
        Column("skipped", "VARCHAR", "JSON: reason -> count of documents that were left out"),
    ),
    key=("listing_id",),
)

CANDIDATE_PAIRS: Final = Table(
    "candidate_pairs",
    "a pair that looks similar enough to be judged",
    (
        Column("pair_hash", "VARCHAR", "key; SHA-256 of what both markets mean"),
        Column("polymarket_id", "VARCHAR", "condition id"),
        Column("kalshi_id", "VARCHAR", "ticker"),
        Column("polymarket_content_hash", "VARCHAR", "the version of the market that was compared"),
        Column("kalshi_content_hash", "VARCHAR", "the version of the market that was compared"),
        Column("score", "DOUBLE", "similarity of the texts, 0..1"),
        Column("features", "VARCHAR", "JSON of what the score was made of"),
        Column("broken_rules", "VARCHAR[]", "hard rules that object; empty: none"),
        Column("proposed_at", "TIMESTAMPTZ", "the last run that proposed it"),
        Column("first_proposed_at", "TIMESTAMPTZ", "the first run that proposed it"),
    ),
    key=("pair_hash",),
)

VERDICTS: Final = Table(
    "verdicts",
    "one judgement about one pair",
    (
        Column("pair_hash", "VARCHAR", "the pair, see candidate_pairs"),
        Column("similarity", "DOUBLE", "0..1, as the judge said"),
        Column("relation", "VARCHAR", "identity, complement, subset, superset, overlap, disjoint or unknown"),
        Column("orientation", "VARCHAR", "same, inverted or unknown"),
        Column("time_window", "BOOLEAN", "both look at the same time window"),
        Column("outcome_definition", "BOOLEAN", "both define the outcome alike"),
        Column("resolution_source", "BOOLEAN", "both are decided by the same source"),
        Column("explanation", "VARCHAR", "the judge's words"),
        Column("evidence", "VARCHAR", 'JSON: [{"venue": ..., "quote": ...}]'),
        Column("objections", "VARCHAR[]", "why it was not accepted"),
        Column("judge", "VARCHAR", "llm, offline or human"),
        Column("model", "VARCHAR", "the model that answered"),
        Column("prompt_version", "VARCHAR", "version of the prompt"),
        Column("rules_version", "VARCHAR", "version of the hard rules"),
        Column("status", "VARCHAR", "accepted, rejected, review or failed (nobody answered)"),
        Column("decided_at", "TIMESTAMPTZ", "when"),
        Column("valid_until", "TIMESTAMPTZ", "when it must be asked again"),
    ),
    key=("pair_hash", "judge", "model", "prompt_version", "rules_version", "decided_at"),
)

REVIEWS: Final = Table(
    "reviews",
    "one human decision; it holds as long as the pair means the same",
    (
        Column("pair_hash", "VARCHAR", "the pair, see candidate_pairs"),
        Column("decision", "VARCHAR", "accept or reject"),
        Column("reason", "VARCHAR", "why"),
        Column("reviewer", "VARCHAR", "who"),
        Column("decided_at", "TIMESTAMPTZ", "when; the latest decision wins"),
    ),
    key=("pair_hash", "reviewer", "decided_at"),
)

LLM_CALLS: Final = Table(
    "llm_calls",
    "one attempt to get an answer from a language model, failed ones too",
    (
        Column("call_id", "VARCHAR", "key"),
        Column("run_id", "VARCHAR", "the run that asked"),
        Column("pair_hash", "VARCHAR", "the pair it was about"),
        Column("provider", "VARCHAR", "deepseek, openai, ..."),
        Column("model", "VARCHAR", "model that was asked"),
        Column("attempt", "INTEGER", "1 for the first try"),
        Column("started_at", "TIMESTAMPTZ", "when it was sent"),
        Column("latency_ms", "DOUBLE", "the whole call as its caller saw it"),
        Column(
            "status", "VARCHAR", "ok, or what was wrong; `started` left alone means that the process died"
        ),
        Column("http_status", "INTEGER", "NULL: no answer"),
        Column("prompt_tokens", "BIGINT", "as billed"),
        Column("cached_tokens", "BIGINT", "part of prompt_tokens that the provider had cached"),
        Column("completion_tokens", "BIGINT", "as billed"),
        Column("cost_usd", "DECIMAL(18,12)", "NULL: unknown, which is not zero"),
        Column("price_version", "VARCHAR", "the price list it was computed with"),
        Column("fallback", "BOOLEAN", "the first provider had failed"),
        Column("error", "VARCHAR", "what was wrong, in words"),
        Column(
            "batch_id",
            "VARCHAR",
            "the batch it was sent in, see llm_batches; NULL: asked by itself",
            since=4,
        ),
    ),
    key=("call_id",),
)

LLM_BATCHES: Final = Table(
    "llm_batches",
    "many questions sent to a provider at once, to be answered within a day at half price",
    (
        Column("batch_id", "VARCHAR", "key; llm_calls.batch_id points here", since=4),
        Column("run_id", "VARCHAR", "the run that sent it", since=4),
        Column("provider", "VARCHAR", "openai, ...", since=4),
        Column("model", "VARCHAR", "model that was asked", since=4),
        Column("state", "VARCHAR", "preparing, submitted, collected or failed (as a whole)", since=4),
        Column("requests", "BIGINT", "questions in it", since=4),
        Column(
            "estimated_usd",
            "DECIMAL(18,12)",
            "counts as spent that day until the batch is collected",
            since=4,
        ),
        Column("prepared_at", "TIMESTAMPTZ", "when it was written down, just before it was sent", since=4),
        Column("remote_id", "VARCHAR", "the provider's name of it; NULL: not known to have arrived", since=4),
        Column(
            "remote_status", "VARCHAR", "the provider's word: in_progress, completed, expired, ...", since=4
        ),
        Column("answered", "BIGINT", "questions with an answer; NULL: the provider did not say yet", since=4),
        Column("ended_at", "TIMESTAMPTZ", "when the provider was done with it", since=4),
        Column("error", "VARCHAR", "what was wrong with it as a whole", since=4),
    ),
    key=("batch_id",),
    since=4,
)

VALIDATION_RUNS: Final = Table(
    "validation_runs",
    "one walk of the validator through the candidates",
    (
        Column("run_id", "VARCHAR", "key; llm_calls.run_id points here"),
        Column("started_at", "TIMESTAMPTZ", "when"),
        Column("ended_at", "TIMESTAMPTZ", "when"),
        Column("judge", "VARCHAR", "llm or offline"),
        Column("model", "VARCHAR", "the model that was to answer"),
        Column("candidates", "BIGINT", "pairs it was given"),
        Column("asked", "BIGINT", "pairs the judge was asked about"),
        Column("cached", "BIGINT", "pairs with a valid verdict already, which cost nothing"),
        Column("accepted", "BIGINT", "verdicts of this status"),
        Column("rejected", "BIGINT", "verdicts of this status"),
        Column("review", "BIGINT", "verdicts of this status"),
        Column("failed", "BIGINT", "questions nobody answered"),
        Column("cost_usd", "DECIMAL(18,12)", "known cost"),
        Column("stopped_reason", "VARCHAR", "why it ended early (budget, interrupt); NULL: it did not"),
    ),
    key=("run_id",),
)

EVALUATIONS: Final = Table(
    "evaluations",
    "what one stage made of one stratum of a labelled file",
    (
        Column("evaluated_at", "TIMESTAMPTZ", "when", since=2),
        Column("file", "VARCHAR", "the labelled file", since=2),
        Column("stage", "VARCHAR", "candidates, rules or verdicts", since=2),
        Column("stratum", "VARCHAR", "kind of difference, or of identical pair; `all` sums them up", since=2),
        Column("identical_passed", "BIGINT", "identical pairs that the stage let through", since=2),
        Column("identical_refused", "BIGINT", "identical pairs that it lost", since=2),
        Column("other_passed", "BIGINT", "other pairs that it let through", since=2),
        Column("other_refused", "BIGINT", "other pairs that it refused", since=2),
        Column("rules_version", "VARCHAR", "version of the hard rules", since=2),
        Column("model", "VARCHAR", "the model that judged; NULL: no verdicts", since=2),
    ),
    key=("evaluated_at", "file", "stage", "stratum"),
    since=2,
)

SETTLEMENTS: Final = Table(
    "settlements",
    "how the two markets of a pair that was accepted settled; settled_alike false is an alarm",
    (
        Column("pair_hash", "VARCHAR", "the pair as it was accepted", since=2),
        Column("polymarket_id", "VARCHAR", "condition id", since=2),
        Column("kalshi_id", "VARCHAR", "ticker", since=2),
        Column("orientation", "VARCHAR", "same or inverted, as accepted", since=2),
        Column("polymarket_result", "VARCHAR", "the outcome that paid", since=2),
        Column("kalshi_result", "VARCHAR", "yes, no or another word of the venue", since=2),
        Column("settled_alike", "BOOLEAN", "false: the pair was not the same bet, or a venue erred", since=2),
        Column("decided_by", "VARCHAR", "who accepted the pair", since=2),
        Column("found_at", "TIMESTAMPTZ", "when both results were first known", since=2),
    ),
    key=("pair_hash",),
    since=2,
)

LIKELY_MISSES: Final = Table(
    "likely_misses",
    "two settled markets that look alike and were never proposed as a pair",
    (
        Column("polymarket_id", "VARCHAR", "condition id", since=2),
        Column("kalshi_id", "VARCHAR", "ticker", since=2),
        Column("score", "DOUBLE", "similarity of the texts, 0..1", since=2),
        Column("settled_alike", "BOOLEAN", "both paid Yes or both paid No", since=2),
        Column("reason", "VARCHAR", "why they were not proposed", since=2),
        Column("found_at", "TIMESTAMPTZ", "when", since=2),
    ),
    key=("polymarket_id", "kalshi_id"),
    since=2,
)

CATALOGUE_TABLES: Final = (
    MARKET_VERSIONS,
    LISTINGS,
    CANDIDATE_PAIRS,
    VERDICTS,
    REVIEWS,
    VALIDATION_RUNS,
    LLM_CALLS,
    LLM_BATCHES,
    EVALUATIONS,
    SETTLEMENTS,
    LIKELY_MISSES,
)
