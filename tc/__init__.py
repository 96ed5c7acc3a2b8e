"""tc composes, deploys and runs AWS serverless topologies.

The packages are the pipeline, in this order::

    load -> compose -> build -> plan -> deploy

`spec` holds the types they share, `components` one file for each kind of AWS
thing, `aws` the only door to AWS, `local` the engine behind ``-e local`` and
`cli` the commands. docs/architecture.md says why.
"""

__version__ = "0.1.0"
