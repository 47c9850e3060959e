"""The fleet page: all customers on one page, worst first. Read, built by pure functions, drawn, rendered."""
