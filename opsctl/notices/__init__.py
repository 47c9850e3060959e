"""Customer notices: what they say, how they are drafted, in the contact's language (P03, P22, P23, P26, P49)."""
