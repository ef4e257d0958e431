"""The command line: parse, call one verb, print its record. Heavy imports happen inside the verbs."""
