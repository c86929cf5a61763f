"""`trainer models`: models with context window, price and what they can do."""

from __future__ import annotations

import typer

from trainer.cli.app import Command, JsonOption, Provider, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table

app = application()


@app.command(cls=Command)
def models(context: typer.Context, *, provider: Provider = None, as_json: JsonOption = False) -> None:
    """List the models that the settings name, or with --provider all that it offers.

    Prices are US dollars for a million tokens; what is not known is shown as -.
    """
    from trainer.actions.models import list_models

    session: Session = context.obj
    listings = list_models(session.project(), provider=provider)
    if as_json:
        write_json(listings)
        return
    rows = [
        (
            one.model,
            one.provider,
            one.input_per_million,
            one.output_per_million,
            one.context_window,
            one.max_output,
            one.takes_schema,
        )
        for one in listings
    ]
    write_table(("model", "provider", "$ in", "$ out", "window", "answer", "schema"), rows)
