"""Surveillance of the network components that Kamstrup delivered (P15): probed, judged, compared with before."""
