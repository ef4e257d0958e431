"""How many subjects, cases, readers or hours a study needs, and what power it has with them.

One module a kind of endpoint. Where the distribution is discrete the power is computed exactly and is a saw-tooth: the
smallest number that reaches the aim is not the one from which it stays reached, and both are given, beside what
the normal formula would have said.
"""
