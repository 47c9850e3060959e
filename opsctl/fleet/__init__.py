"""What joins the service rooms: maintenance windows and the nightly run."""
