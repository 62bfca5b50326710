"""Published records that travel with the program, so that the demo needs no network."""
