"""How fast is it?  `make bench` (bench/run.sh) measures the running server, beside moto_server."""
