"""The three upstream repositories: fetched at pins, patched, verified, run."""
