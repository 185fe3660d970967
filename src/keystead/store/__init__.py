"""What is remembered?  One Store protocol, its engines, migrations and the change epoch."""
