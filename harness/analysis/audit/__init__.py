"""The audit: what printed result tables can and cannot mean. No torch is imported here."""
