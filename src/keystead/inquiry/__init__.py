"""Why was a call refused, which principals can do this, and how would another call be decided?"""
