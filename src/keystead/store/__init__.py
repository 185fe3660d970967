"""What is remembered?  One Store protocol, its engines, migrations and what is told of changes."""
