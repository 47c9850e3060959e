"""What the evidence says: the status of each customer."""
