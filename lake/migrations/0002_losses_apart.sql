-- Purpose: what a training minimises, with its parts apart. NULL in epochs that were written before.
-- The mean of train_loss, too, is taken over the patches of an epoch.
ALTER TABLE epochs ADD COLUMN train_reconstruction_loss DOUBLE;  -- per patch; without the KL divergence
ALTER TABLE epochs ADD COLUMN train_kl DOUBLE;                   -- nats per patch; NULL for an autoencoder
ALTER TABLE epochs ADD COLUMN kl_weight DOUBLE;                  -- of the epoch's last step; NULL for an autoencoder
ALTER TABLE epochs ADD COLUMN val_reconstruction_loss DOUBLE;    -- per patch; without the KL divergence
