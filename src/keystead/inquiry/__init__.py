"""Why, who else, and what if?  Questions about a live installation or a folder of policies."""
