"""The page. ``ui`` wires components, ``service`` reads pictures, ``viewer`` and ``plots`` draw what is shown."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # must be set before gradio is imported for the first time
