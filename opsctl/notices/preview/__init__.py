"""The preview: a page on this machine to read drafts, see what changed, and approve them with one's own key."""
