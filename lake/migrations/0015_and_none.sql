-- Purpose: take out the rows of the step before; their statistics stay. No row of anybody's has '' there.
DELETE FROM rejected WHERE source = '';
DELETE FROM warnings WHERE source = '';
DELETE FROM forgotten WHERE image_id = '';
DELETE FROM leftovers WHERE path = '';
DELETE FROM champions WHERE source = '';
DELETE FROM drift WHERE image_id = '';
DELETE FROM exports WHERE target = '';
