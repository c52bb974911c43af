"""The command line `keras-ssl`: wiring only."""
