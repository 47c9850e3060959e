"""What is granted and bought: agreements, access, permissions, orders; licences; API Access; who does what."""
