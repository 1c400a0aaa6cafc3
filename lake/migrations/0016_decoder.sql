-- Purpose: what decoded a file, so that other code or another library decodes it again. NULL in rows written before.
ALTER TABLE sources ADD COLUMN decoder VARCHAR;  -- digest of the code and the versions of the libraries that decoded it
