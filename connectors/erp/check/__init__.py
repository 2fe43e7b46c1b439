"""`python -m connectors.erp.check`: try a profile against its ERP, say what was understood and what is wrong.

`findings` says what a finding is and where in the file it belongs, `watching` keeps what the ERP answered,
`clues` finds in an answer what a profile may have meant, `examine` goes through one datatype step by step and
`report` writes it all down. Nothing is ever written to the ERP.
"""
