"""Start the page: ``python app.py``. A Hugging Face Space starts this file too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from demo import look, results, service, ui

if TYPE_CHECKING:
    from eval.portal import Portal

PORT = 7860
LONGEST_QUEUE = 32  # visitors who wait; one more is told to come back
LAUNCH = {
    "run_history": False,  # nothing that a visitor sends is kept or shown to the next one
    "enable_monitoring": False,
    "strict_cors": True,
    "state_session_capacity": 100,  # visits whose last reading stays in memory; 0.25 to 1 MB per face
    "max_file_size": service.LARGEST_UPLOAD,
    "css_paths": ui.CSS,
    "footer_links": ["api"],
    "ssr_mode": False,  # a Space would start node for it
    "pwa": False,
}


def default_host() -> str:
    """GRADIO_SERVER_NAME where it is set; every interface inside a Space; else this computer only."""
    return os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    port = int(os.environ.get("GRADIO_SERVER_PORT", PORT))
    parser = argparse.ArgumentParser(description="Deadpan: read a face by removing its expression, in a browser.")
    parser.add_argument("--host", default=default_host(), help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default: %(default)s)")
    parser.add_argument("--share", action="store_true", help="also print a public link, through gradio's servers")
    return parser.parse_args(arguments)


def referee() -> Portal | None:
    """Who compares the stored results; None on Windows, which has no fcntl for the locks of eval.store."""
    try:
        from eval.portal import Portal
    except ModuleNotFoundError as error:
        if error.name != "fcntl":
            raise
        return None
    return Portal(results.FOLDER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until it is interrupted; 1 when it could not start."""
    options = parse(arguments)
    portal = referee()
    find = portal.mistakes if portal else None
    page = ui.build(referee=portal, find=find).queue(max_size=LONGEST_QUEUE)
    try:
        page.launch(
            server_name=options.host, server_port=options.port, share=options.share, theme=look.theme(), **LAUNCH
        )
    except OSError as error:
        where = f"{options.host}:{options.port}"
        print(f"The page could not start on {where}. {error} Try another --port.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
