"""How one utterance's words came out so far, and in which way it is spoken next because of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from speech.errors import SpeakModeUnsupported, WordsDiffer
from speech.ports import Delivery, Spoken, Synthesizer
from speech.proof import Proof, Verdict, prove
from xai.dialects import modes_from

# One way to speak gets the words wrong so often before the next one is tried.
_CHANCES = 2


@dataclass(kw_only=True)
class Wording:
    """The attempts at one utterance; `wrong` counts those that spoke other words."""

    synthesizer: Synthesizer
    wrong: int = 0
    used: str | None = None

    async def speak(
        self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]
    ) -> tuple[Spoken, Proof]:
        """One attempt and its proof. Raises WordsDiffer, or an UpstreamError.

        After wrong words only words that are known to be right are good enough.
        """
        mode = self._mode(delivery.speak_mode)
        try:
            spoken = await self.synthesizer.speak(text, delivery=replace(delivery, speak_mode=mode), on_audio=on_audio)
        except SpeakModeUnsupported:
            if self.wrong:
                raise WordsDiffer from None
            raise
        try:
            proof = prove(text, spoken.transcript, pronunciations=delivery.pronunciations)
            if self.wrong and proof.verdict is Verdict.UNPROVEN:
                raise WordsDiffer
        except WordsDiffer:
            self.wrong, self.used = self.wrong + 1, spoken.speak_mode
            raise
        return spoken, proof

    def _mode(self, policy: str) -> str:
        """The policy's own way; after two failures the one that comes after the way really used, if there is one."""
        if self.used is None or self.wrong < _CHANCES:
            return policy
        return modes_from(self.used)[:2][-1]
