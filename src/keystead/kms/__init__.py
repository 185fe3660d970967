"""Which operation is asked for?  Keys, aliases, ciphertext and the KMS operations."""
