"""Starting everything together: two sandboxes (or the real systems), two services and the local node."""
