"""What does a program on another host get?  The agent of an instance; credentials of a process.

This room is for hosts that have no installation. It knows the server only by its protocols.
"""
