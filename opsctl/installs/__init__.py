"""Installation of READY releases (P11, P12), on a customer's hosts under its records: plan, install, prove, go back."""
