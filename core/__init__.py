"""The small things that services, local node, sandboxes and stack share; it imports none of them."""
