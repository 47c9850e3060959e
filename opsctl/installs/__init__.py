"""Installation of READY releases on systems that Kamstrup hosts (P11, P12): plan, install, prove, go back."""
