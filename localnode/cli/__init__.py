"""`python -m localnode`: serve a node, talk to one, try pipes and DTL out."""
