"""What this machine can run: `audfer doctor`."""
