"""The command ``dmic``: one module a subcommand, each with ``main(arguments) -> exit status``; thin: parse, call, print."""
