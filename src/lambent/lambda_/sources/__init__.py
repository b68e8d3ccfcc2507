"""Event source mappings: what is read from a queue, a stream, a broker or a change stream, and handed to a function.

Here is what a mapping is: which members each kind of source takes (`kinds`), the rules between them (`rules`), the filter
language (`filters`), the life of a mapping as a table (`states`) and the jobs that lead it from state to state
(`settling`). It does not poll: whoever does is told by `settling` which mapping to poll.
"""
