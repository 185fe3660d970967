"""Which data is remembered?  One protocol, its engines, migrations, announcements of changes."""
