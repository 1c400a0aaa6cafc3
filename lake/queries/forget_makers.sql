-- Purpose: have no ledger name a night that is gone as the one that made something.
-- Grain: changes one row per night and step.
UPDATE reasons SET made_in = NULL WHERE made_in NOT IN (SELECT sequence FROM nights)
