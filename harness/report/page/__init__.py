"""The page of a report: one self-contained HTML file, a pure function of finished runs."""
