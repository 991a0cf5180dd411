"""The checks of `athena doctor`: each looks at one thing and says what is wrong, why, and what mends it."""
