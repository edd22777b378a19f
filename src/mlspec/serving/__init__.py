"""A model as a service: requests in, answers out, and what is logged of them."""
