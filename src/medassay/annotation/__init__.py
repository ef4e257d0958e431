"""Labels: the annotation standard, readers' files, their agreement, and the reference standard made of them."""
