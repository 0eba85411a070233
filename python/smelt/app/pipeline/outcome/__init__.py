"""What is handed over: the graph with all members, the manifest, the file, the summary."""
