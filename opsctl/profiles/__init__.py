"""The customer's profile: typed, closed, effective-dated, loaded with file:line:column errors."""
