"""Where do calls come in?  Listeners, the pipeline, one installation, and what it tells."""
