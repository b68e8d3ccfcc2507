"""AWS Lambda: the control plane that describes functions and the data plane that runs them.

`operations/` holds the API, one file per noun. Of the control plane, `names` reads function names, `packages` and
`code` keep deployment packages, `states` is the life of a version, `functions` the nouns with their index, `store`
their rows, and `activation` prepares versions in the background; `sources/` are the event source mappings. `invoke/`,
`environment/` and `runtimes/` are the data plane. `planes` puts both together.
"""
