"""What runs in the child process that decodes, and nowhere else."""
