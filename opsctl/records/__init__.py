"""What is granted and bought: agreements, access, permissions, orders; licences; API Access; the matrix of who does what."""
