-- With which model the vectors were made where memories were imported from. An export says it again until this
-- database has a generation of its own; so what was imported into an empty one is exported as it came.

CREATE TABLE imported_embedding (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    model           text NOT NULL,
    dim             int NOT NULL CHECK (dim > 0),
    prefix_document text NOT NULL,
    prefix_query    text NOT NULL
);
