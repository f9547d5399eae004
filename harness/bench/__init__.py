"""`audfer bench`: how fast the harness is on this machine, against the upstreams and against the machine itself."""
