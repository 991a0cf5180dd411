"""PostgreSQL: the pool, the migrations, and every SQL statement as text in a file."""
