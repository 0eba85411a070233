"""What the models see: columns parsed once, and nodes of the graph fitted on some rows."""
