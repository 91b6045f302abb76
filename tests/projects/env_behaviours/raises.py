raise RuntimeError("no settings for this host")
