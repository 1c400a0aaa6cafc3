-- Purpose: whether a training diverged and was tried again with a lower learning rate (setting retry_at).
ALTER TABLE runs ADD COLUMN diverged VARCHAR;  -- what ended the first try; '' where there was one only, NULL before
