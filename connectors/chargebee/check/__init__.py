"""`python -m connectors.chargebee.check`: ask a Chargebee site whether it is as the service assumes.

What is assumed stands in the sandbox's `facts.json`, each fact with its source. `probes.json` has the calls
that settle the facts and, for each, what the answers mean: as assumed, or otherwise and what follows then.

`probes` reads both, `caller` makes the calls, `conditions` holds their answers against what was expected,
`verdicts` says what became of each fact, `site` what else was learned, `cleanup` removes what was made, and
`report` writes it all down.
"""
