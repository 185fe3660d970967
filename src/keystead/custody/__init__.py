"""Where do keys live?  Root key, key hierarchy, key material: the only room that opens them."""
