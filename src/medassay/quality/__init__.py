"""Gates over the measurement table, and the inspection record made of their outcomes."""
