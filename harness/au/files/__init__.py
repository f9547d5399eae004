"""AU files: read from folders of an extractor's CSV files, from tables and released lists; written as tables."""
