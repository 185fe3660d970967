"""A second opinion on "may they?", written only from the documentation (see README.md)."""
