"""An example: a policy in a package of its own that waits for a service on the network."""
