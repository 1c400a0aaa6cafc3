-- Purpose: trainings that stand and are to be done again; how many trainings a night planned.
ALTER TABLE runs ADD COLUMN asked_again_at TIMESTAMPTZ;  -- it counts as not done until it is stored anew; NULL where nobody asked

-- One row per night, preset and scheme. Key: all three.
CREATE TABLE night_plans (
    night_id      VARCHAR NOT NULL,
    preset        VARCHAR NOT NULL,
    scheme        VARCHAR NOT NULL,
    n_runs        INTEGER NOT NULL       -- trainings that the night consists of, whatever came of them
);
