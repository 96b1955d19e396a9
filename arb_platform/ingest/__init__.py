"""From a venue's stream to acknowledged rows: batching, landing, heartbeat, who may write."""
