"""What a training minimises: the report's losses and others, by name, mixed by weight."""
