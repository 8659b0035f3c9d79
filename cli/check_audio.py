"""The doctor's check of the codecs."""

from __future__ import annotations

import array
import math
import tempfile
from pathlib import Path

from cli.failure import Failure

_SECONDS = 0.2


def codecs() -> str:
    """Every format takes a tone and gives a file."""
    from audio.codecs import FORMATS, resolve_rendition
    from audio.file import AudioFile
    from audio.pcm import MASTER_RATE

    count = int(_SECONDS * MASTER_RATE)
    tone = array.array("h", (int(8000 * math.sin(math.tau * 440 * n / MASTER_RATE)) for n in range(count))).tobytes()
    broken = []
    with tempfile.TemporaryDirectory(prefix="recite-doctor-") as directory:
        for name in FORMATS:
            try:
                with AudioFile(Path(directory, name), rendition=resolve_rendition(name)) as file:
                    file.feed(tone)
            except Exception as error:  # whatever a broken library raises
                broken.append(f"{name} ({type(error).__name__})")
    if broken:
        raise Failure(f"can't encode {', '.join(broken)}: install again with ./start.sh after removing .venv")
    return ", ".join(FORMATS)
