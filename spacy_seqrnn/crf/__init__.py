"""The linear-chain conditional random field."""
