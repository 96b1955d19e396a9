"""A command group that imports a command only when it runs, so that ``arb --help`` is instant."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import get_completion_class

from arb_platform.domain.errors import SettingsError


class LazyGroup(click.Group):
    """``lazy`` maps a name to (module of this package, attribute, one line of help)."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.lazy:
            return None
        module, attribute, _ = self.lazy[cmd_name]
        command = getattr(import_module(f"arb_platform.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in self.lazy.items()])


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL; for bash: eval "$(arb completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise SettingsError(f"there is no completion for {shell!r}; choose bash, zsh or fish")
    click.echo(kind(ctx.find_root().command, {}, "arb", "_ARB_COMPLETE").source())
