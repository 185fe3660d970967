"""What can opened key material do?  One module per family of algorithms."""
