"""One wire's words in another's: pure functions, no network, no state beyond one stream."""
