"""Where do calls come in?  Listeners, the pipeline, configuration and the command line."""
