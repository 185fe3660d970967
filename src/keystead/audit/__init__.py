"""Which calls happened?  Events, their tree, checkpoints, sinks and verification."""
