-- Purpose: a row in each table that has none for long; the next step takes them out again.
-- DuckLake keeps statistics of a table from its first row on. Until then it asks the catalog for them column by column,
-- each time somebody looks at the table: 30 ms for the 15 columns of drift, and 3 ms after.
INSERT INTO rejected VALUES ('', '', '', '', '', '', '', 'epoch', 'epoch');
INSERT INTO warnings VALUES ('', '', '', '', '', '', '', 'epoch', 'epoch');
INSERT INTO forgotten VALUES ('', '', '', 0, 'epoch', 'epoch');
INSERT INTO leftovers VALUES ('');
INSERT INTO champions VALUES (0, '', '', '', '', '', '', 0, 0, 0, 0, 0, 'epoch');
INSERT INTO drift VALUES ('', '', 0, '', '', '', '', 0, 0, 0, 0, 0, 0, '', 'epoch');
INSERT INTO exports VALUES ('', '', 'epoch', 'epoch');
