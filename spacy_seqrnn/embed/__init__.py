"""From words to token vectors."""
