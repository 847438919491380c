"""Which stored arrays are the features and labels that were asked for."""
