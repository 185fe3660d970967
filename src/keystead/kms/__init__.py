"""What is asked?  Keys, aliases, ciphertext and the KMS operations."""
