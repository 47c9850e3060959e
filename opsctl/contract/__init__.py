"""The data sheet as data (services, RASCI, levels, promises) and the gate that every command passes."""
