"""The expression functions of DTL, one module for each page of the reference."""
