"""extract/methods."""
