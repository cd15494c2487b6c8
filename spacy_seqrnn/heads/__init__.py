"""From token vectors to scores of texts."""
