"""One file a rule: what a schema cannot say, named after the wrong. A file whose name begins with an underscore is no
rule; ``context`` is what a rule is given, ``check`` runs them all."""
