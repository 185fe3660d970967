"""Which calls were refused, and who may learn of it?"""
