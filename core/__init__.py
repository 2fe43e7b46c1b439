"""Hold the small modules that services, local node, sandboxes and stack share; imports none of them."""
