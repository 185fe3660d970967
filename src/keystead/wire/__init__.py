"""How is it said?  HTTP values, SigV4 arithmetic, JSON 1.1, Query and XML, generated models."""
