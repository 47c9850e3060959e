"""The lab's own servers; each module is started as a process of its own and binds to the bridge address only."""
