"""Remember, recall, forget, history; embedding generations and the work that fills them."""
